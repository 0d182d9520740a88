/** @file A text about nothing personal, written for palign: how likely a model finds plain prose, with a persona and without one. */

export const NEUTRAL_TEXT = `The old mill stands where the road crosses the river. For almost two hundred years its wheel turned from early spring until the first \
hard frost, and farmers from four villages brought their wheat and barley to be ground. The building has three floors. On the lowest, large wooden gears carried \
the force of the water to the stones above. On the second, the grain ran slowly between the stones and left them as warm flour. The highest floor was a store, \
dry and well aired, where sacks could wait for a buyer.

In the last century the railway reached the valley, and bread from the town became cheaper than bread baked at home. The mill worked fewer hours every year. When \
a flood broke the weir, nobody repaired it, and for a long time only swallows used the rooms. Later the district bought the house and turned it into a small museum. \
Visitors can see how the wheel is fixed to its axle, why the stones have grooves, and what happens when the gate is opened a little or a lot. On most Sundays a \
guide explains the machine, and children may turn a model of it by hand.

Behind the mill a path follows the water to a meadow. In May the grass is full of yellow flowers, and by July it has been cut and dried for hay. A bench under a \
lime tree looks towards the hills in the east. The path goes on to a stone bridge with two arches, which is older than the mill, and from there it is half an hour \
on foot to the station. Trains leave every hour, and the last one in the evening stops on request.
`
