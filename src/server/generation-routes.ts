/** @file The two routes that generate. */
import { chatAnswer, chatChunk, completionAnswer, completionChunk } from './answer-schemas.ts'
import { chatRequest } from './chat-request.ts'
import { chatRoute } from './chat-route.ts'
import { completionRequest } from './completion-request.ts'
import { completionRoute } from './completion-route.ts'
import type { RouteModule } from './route.ts'
import { tokenText } from './token-text.ts'

export const generationRoutes: RouteModule = (services) => {
  const textOf = tokenText(services.model)
  return [
    {
      method: 'POST',
      path: '/v1/chat/completions',
      summary: 'answers a conversation, steered by personas',
      scopes: ['chat'],
      isMetered: true,
      body: chatRequest,
      answer: chatAnswer,
      chunk: chatChunk,
      handler: chatRoute({ ...services, textOf }),
    },
    {
      method: 'POST',
      path: '/v1/completions',
      summary: 'continues raw text or tokens, or scores them',
      scopes: ['chat'],
      isMetered: true,
      body: completionRequest,
      answer: completionAnswer,
      chunk: completionChunk,
      handler: completionRoute({ ...services, textOf }),
    },
  ]
}
