/** @file The base model and every persona as models, each with where it comes from. */
import { modelAnswer, modelsAnswer } from './answer-schemas.ts'
import type { Caller } from './caller.ts'
import { calibratedRange } from './persona-facts.ts'
import { refusal } from './problems.ts'
import type { RouteModule } from './route.ts'
import type { ListedPersona } from './shelf.ts'
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
      handler: async (c) => c.json({ object: 'list', data: await listed(services, created, c.get('caller')) }),
    },
    {
      method: 'GET',
      // To the end: an id may hold a slash, written as it is or as %2F.
      path: '/v1/models/:id{.+}',
      summary: 'one of them',
      scopes: ['chat', 'personas:read'],
      isMetered: true,
      answer: modelAnswer,
      handler: async (c) => {
        const wanted = c.req.param('id')
        const found = (await listed(services, created, c.get('caller'))).find(({ id }) => id === wanted)
        if (found === undefined) throw refusal({ code: 'model_not_found', param: 'model', message: 'model does not exist' })
        return c.json(found)
      },
    },
  ]
}

/** At every request: personas come and go. */
async function listed({ model, name, shelf }: Pick<Services, 'model' | 'name' | 'shelf'>, created: number, caller: Caller) {
  const common = { object: 'model', created, owned_by: 'palign' }
  return [
    { id: name, ...common, root: model.fingerprint, parent: null },
    ...(await shelf.listed(caller)).map((persona) => ({
      id: `${name}@${persona.id}`,
      ...common,
      root: persona.root,
      parent: name,
      palign: about(persona),
    })),
  ]
}

function about(persona: ListedPersona) {
  const { kind, method, alpha, site, failed, modelMismatch } = persona
  const calibrated = calibratedRange(persona)
  return {
    kind,
    ...(method !== undefined && { method }),
    ...(alpha !== undefined && { alpha }),
    ...(site !== undefined && { site }),
    ...(calibrated && { calibrated }),
    ...(failed !== undefined && { failed }),
    ...(modelMismatch && { model_mismatch: true }),
  }
}
