/** @file Text to tokens and back, for clients that count. Bodies as two other servers take them: `content` or `prompt`. */
import { z } from 'zod'
import { refuseLongText } from './addressed.ts'
import { textAnswer, tokensAnswer } from './answer-schemas.ts'
import { refusal } from './problems.ts'
import { parseBody, readBody } from './read-body.ts'
import { count } from './request-fields.ts'
import type { RouteModule } from './route.ts'

const tokenizeRequest = z
  .object({ content: z.string().optional(), prompt: z.string().optional() })
  .refine(({ content, prompt }) => (content === undefined) !== (prompt === undefined), {
    path: ['content'],
    message: 'expected either content or prompt',
    params: { code: 'missing_required_parameter' },
  })

export const tokenRoutes: RouteModule = ({ model }) => {
  const { contextLength, vocabSize } = model.shape
  const detokenizeRequest = z.object({
    tokens: z.array(count(0, vocabSize - 1)).max(contextLength),
  })
  return [
    {
      method: 'POST',
      path: '/tokenize',
      summary: 'the tokens of a text, as raw completions make them',
      scopes: ['chat'],
      isMetered: true,
      body: tokenizeRequest,
      answer: tokensAnswer,
      handler: async (c) => {
        const { content, prompt } = parseBody(tokenizeRequest, await readBody(c))
        const text = content ?? prompt
        if (text === undefined)
          throw refusal({ code: 'missing_required_parameter', param: 'content', message: 'content is missing' })
        refuseLongText(text.length, content === undefined ? 'prompt' : 'content', contextLength)
        const tokens = model.encode(text)
        return c.json({ tokens, count: tokens.length, max_model_len: contextLength })
      },
    },
    {
      method: 'POST',
      path: '/detokenize',
      summary: 'the text of tokens; control tokens say nothing',
      scopes: ['chat'],
      isMetered: true,
      body: detokenizeRequest,
      answer: textAnswer,
      handler: async (c) => {
        const content = model.decode(parseBody(detokenizeRequest, await readBody(c)).tokens)
        return c.json({ content, prompt: content })
      },
    },
  ]
}
