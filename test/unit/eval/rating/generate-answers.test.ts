import { describe, expect, it } from 'vitest'
import { UNSTEERED } from '../../../../src/eval/arm.ts'
import { generateAnswers } from '../../../../src/eval/rating/generate-answers.ts'
import { DEFAULT_SYSTEM_PROMPT } from '../../../../src/items/question-form.ts'
import type { GenerateRequest } from '../../../../src/model/language-model.ts'

/** Says what it was asked, and by which seed. */
function repeater() {
  const requests: GenerateRequest[] = []
  return {
    requests,
    async *generate(request: GenerateRequest) {
      requests.push(request)
      const text = ` ${request.messages?.at(-1)?.content} by ${request.seed}\n`
      yield { kind: 'finish', reason: 'end-token', text, promptTokens: 1, generatedTokens: 1 } as const
    },
  }
}

const arms = [UNSTEERED, { name: 'told', system: 'Be brief.', steering: {} }]
const prompts = [
  { id: 'p', prompt: 'Why?', persona: 'Calm.' },
  { id: 'q', prompt: 'How?' },
]

describe('answers written by a model', () => {
  it('are of every arm to every prompt, arms sampled by the same seed and prompts by different ones', async () => {
    const model = repeater()
    expect(await generateAnswers({ model, arms, prompts, seed: 5 })).toEqual([
      { id: 'p', prompt: 'Why?', arm: 'unsteered', text: 'Why? by 5', persona: 'Calm.' },
      { id: 'p', prompt: 'Why?', arm: 'told', text: 'Why? by 5', persona: 'Calm.' },
      { id: 'q', prompt: 'How?', arm: 'unsteered', text: 'How? by 6', persona: undefined },
      { id: 'q', prompt: 'How?', arm: 'told', text: 'How? by 6', persona: undefined },
    ])
    expect(model.requests.map(({ messages }) => messages![0]!.content).slice(0, 2)).toEqual([DEFAULT_SYSTEM_PROMPT, 'Be brief.'])
  })

  it('stop on the signal', async () => {
    const signal = AbortSignal.abort()
    await expect(generateAnswers({ model: repeater(), arms, prompts, seed: 5, signal })).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})
