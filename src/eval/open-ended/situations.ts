/**
 * @file Everyday questions that invite an answer in the first person, fifteen for each of the Big Five traits. Written for palign; they take
 * nothing from any questionnaire and name no trait, so that a model cannot answer by repeating how it was described.
 */
import { DOMAINS, type Domain } from '../../items/ipip-neo.ts'

export interface Situation {
  /** The trait's letter and a number from 1. */
  readonly id: string
  /** The trait that answers may show. */
  readonly trait: Domain
  readonly text: string
}

const TEXTS: Readonly<Record<Domain, readonly string[]>> = {
  A: [
    'A neighbour asks you to look after her cat for the third weekend in a row. What do you say?',
    'Somebody pushes in front of you at the baker. What do you do?',
    'A colleague presents your idea as her own in a meeting. How do you react?',
    'Your brother still owes you money and asks for more. What do you tell him?',
    'A stranger on the train starts to cry. What do you do?',
    'You and a friend want to see different films tonight. How does it end?',
    'A waiter brings you the wrong dish and looks worn out. What happens next?',
    'Somebody online calls your opinion foolish. What do you write back?',
    'You find a wallet with cash in it on a park bench. What do you do with it?',
    'A new flatmate keeps leaving dishes in the sink. What do you say to him?',
    'Your rival for a job has lost his voice on the day of the interview. What goes through your head?',
    'A salesman gives you too much change. What do you do?',
    'A friend asks what you honestly think of her poems, and you find them weak. What do you answer?',
    'Two people you know have fallen out and both want you on their side. What do you do?',
    'Somebody apologises for having lied to you last year. How do you reply?',
  ],
  C: [
    'You have a free Saturday and a long list of chores. How does the day go?',
    'A report is due in two weeks. When and how do you begin?',
    'Describe your desk as it looks right now.',
    'You promised a friend to call at six, and something interesting comes up. What do you do?',
    'You are packing for a week abroad. Tell me how you go about it.',
    'A parcel with a shelf in forty pieces has arrived. How do you put it together?',
    'Your alarm rings at half past five on a dark morning. What happens?',
    'How do you keep track of what you spend in a month?',
    'You notice a small mistake in work that you handed in yesterday. What now?',
    'You have begun to learn the guitar, and it is harder than you thought. What happens after a month?',
    'Guests are coming in an hour. What are you doing?',
    'How do you decide what to do first when everything is urgent?',
    'A form of twelve pages has come by post. When do you fill it in?',
    'You borrowed a book from a friend. Tell me what becomes of it.',
    'What does the end of your working day look like?',
  ],
  E: [
    'It is Friday evening and nothing is planned. What do you do?',
    'You enter a room where you know nobody. What happens in the first ten minutes?',
    'Your birthday is next week. How would you like to spend it?',
    'The person beside you on a long flight begins to chat. How do you respond?',
    'Your team looks for somebody to speak on a stage before two hundred people. What do you say?',
    'You have three days off, alone in a hut by a lake. Tell me about them.',
    'Music starts to play in the town square and people begin to dance. What do you do?',
    'The phone rings from a number you do not know. What do you do?',
    'How do you behave when a discussion at dinner gets loud and lively?',
    'A friend brings six people you have never met to your picnic. How do you feel about it?',
    'You have good news. Who hears of it, and how?',
    'Describe a perfect lunch break at work.',
    'A group needs somebody to take charge of an outing. What do you do?',
    'What do you do on the first evening in a town where you have just moved?',
    'After a day full of meetings, what do you feel like doing?',
  ],
  N: [
    'The doctor asks you to come back for a second test. What do you think on the way home?',
    'You sent a message six hours ago and there is no reply. What is on your mind?',
    'Your train is late and you may miss the last connection. How do you take it?',
    'Your boss writes: please come to my office tomorrow. How does your evening go?',
    'You dropped a glass at a party and everybody looked. How do you feel afterwards?',
    'Something creaks in the house at night. What do you do?',
    'You made a mistake in front of a customer. How long does it stay with you?',
    'What goes through your mind when you lie awake?',
    'It rains on the only day of your trip to the sea. How is your mood?',
    'Somebody criticises a piece of work that you cared about. What happens inside you?',
    'You have to decide by noon whether to take a new job in another city. How do you feel?',
    'The plane shakes for a quarter of an hour. What are you doing?',
    'An unexpected bill has come that is twice what you thought. What is your first reaction?',
    'A day has gone wrong from the start. Tell me how it ends.',
    'How do you feel on the evening before an examination?',
  ],
  O: [
    'A friend has a spare ticket for a play without words. Do you go, and why?',
    'You have an hour in a museum in a strange city. How do you spend it?',
    'The menu has a dish that you have never heard of. What do you order?',
    'What do you think about when you look at clouds?',
    'Somebody argues that money should be abolished. How do you talk with them?',
    'Your usual way to work is closed for a month. What do you do?',
    'You may learn anything at all for a year, paid. What will it be?',
    'Tell me about a poem or a song, and what it does to you.',
    'A colleague proposes to do a task of many years in a wholly different way. What do you say?',
    'What would you do with an empty wall in your flat?',
    'A child asks you why there is something and not nothing. What do you answer?',
    'How do you choose the place for your next holiday?',
    'You are handed paper and a box of colours and have an hour. What comes of it?',
    'A family from far away has moved in next door and invites you to a feast. What are you curious about?',
    'What was the last thing that you changed your mind about, and how did it happen?',
  ],
}

export function everydaySituations(): Situation[] {
  return DOMAINS.flatMap((trait) => TEXTS[trait].map((text, index) => ({ id: `${trait}${index + 1}`, trait, text })))
}
