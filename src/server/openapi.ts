/** @file OpenAPI 3.1 out of the routes: the schemas are those that requests are checked with. */
import { z } from 'zod'
import { packageVersion } from '../node/package-version.ts'
import { problemAnswer } from './answer-schemas.ts'
import { documentedPath, type Route } from './route.ts'

export function openApi(routes: readonly Route[]) {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = documentedPath(route.path)
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'palign', version: packageVersion(), description: 'The API of OpenAI over one model and its personas.' },
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problemAnswer, 'output') },
    },
  }
}

function operation({ summary, path, scopes, isOpen, body, answer, chunk, isMetered, status = 200, query = {} }: Route): object {
  const parameters = [...path.matchAll(/:([a-z]+)/gi)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const queries = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    required: false,
    description,
    schema: { type: 'string' },
  }))
  const problem = (description: string) => ({
    description,
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
  })
  return {
    summary,
    ...(parameters.length + queries.length > 0 && { parameters: [...parameters, ...queries] }),
    ...(isOpen !== true && { security: [{ key: scopes }] }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } } }),
    responses: {
      [status]: {
        description: summary,
        content: {
          ...('type' in answer && !('safeParse' in answer)
            ? { [answer.type]: {} }
            : { 'application/json': { schema: schemaOf(answer as z.ZodType, 'output') } }),
          ...(chunk && { 'text/event-stream': { schema: schemaOf(chunk, 'output') } }),
        },
      },
      '4XX': problem('the request is wrong, or not allowed'),
      ...(isMetered && { 429: problem('the key has used what it may use in a minute') }),
      '5XX': problem('the server failed, is loading, or has too much to do'),
    },
  }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' })
  return rest
}
