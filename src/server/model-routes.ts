/** @file The base model and every persona as models, each with where it comes from. */
import { modelAnswer, modelsAnswer } from './answer-schemas.ts'
import { calibratedRange, type ShelvedPersona } from './persona-shelf.ts'
import { refusal } from './problems.ts'
import type { RouteModule } from './route.ts'
import type { Services } from './work.ts'

export const modelRoutes: RouteModule = (services) => {
  const created = Math.floor(Date.now() / 1000)
  return [
    {
      method: 'GET',
      path: '/v1/models',
      summary: 'the base model and its personas',
      scopes: ['chat', 'personas:read'],
      isMetered: true,
      answer: modelsAnswer,
      handler: (c) => c.json({ object: 'list', data: listed(services, created) }),
    },
    {
      method: 'GET',
      // To the end: an id may hold a slash, written as it is or as %2F.
      path: '/v1/models/:id{.+}',
      summary: 'one of them',
      scopes: ['chat', 'personas:read'],
      isMetered: true,
      answer: modelAnswer,
      handler: (c) => {
        const wanted = c.req.param('id')
        const found = listed(services, created).find(({ id }) => id === wanted)
        if (found === undefined) throw refusal({ code: 'model_not_found', param: 'model', message: 'model does not exist' })
        return c.json(found)
      },
    },
  ]
}

/** At every request: personas come and go. */
function listed({ model, name, shelf }: Pick<Services, 'model' | 'name' | 'shelf'>, created: number) {
  const common = { object: 'model', created, owned_by: 'palign' }
  return [
    { id: name, ...common, root: model.fingerprint, parent: null },
    ...Array.from(shelf.values(), (shelved) => ({
      id: `${name}@${shelved.id}`,
      ...common,
      root: shelved.root,
      parent: name,
      palign: about(shelved),
    })),
  ]
}

function about({ persona }: ShelvedPersona) {
  const calibrated = calibratedRange(persona)
  return {
    kind: persona.kind,
    ...('method' in persona && { method: persona.method }),
    ...('alpha' in persona && { alpha: persona.alpha }),
    ...('site' in persona && { site: persona.site }),
    ...(calibrated && { calibrated }),
  }
}
