import { describe, expect, it } from 'vitest'
import { affixesOf, modelfile } from '../../../src/export/modelfile.ts'
import type { Message } from '../../../src/model/messages.ts'

const chatml = async (messages: readonly Message[], otherwise = '') =>
  `${messages[0]?.role === 'system' ? '' : otherwise}${messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('')}<|im_start|>assistant\n`
const content = { model: 'model.gguf', bos: '', stop: ['<|im_end|>'], license: undefined } as const

describe('Modelfile', () => {
  it('says a template that is text around messages', async () => {
    const affixes = await affixesOf(chatml)
    expect(modelfile({ ...content, affixes, system: 'You are shy.' })).toBe(
      [
        'FROM ./model.gguf',
        'TEMPLATE """{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n<|im_start|>assistant\n{{ .Response }}<|im_end|>\n"""',
        'SYSTEM """You are shy."""',
        'PARAMETER stop "<|im_end|>"',
        '',
      ].join('\n'),
    )
  })

  it('says as system message what a template says where there is none', async () => {
    const affixes = await affixesOf((messages) => chatml(messages, '<|im_start|>system\nBe kind.<|im_end|>\n'))
    const text = modelfile({ ...content, affixes, system: undefined })
    expect(text).toContain('SYSTEM """Be kind."""')
    expect(modelfile({ ...content, affixes, system: 'You are shy.' })).not.toContain('Be kind.')
  })

  it("has no template where the model's depends on more than the role", async () => {
    const counting = async (messages: readonly Message[]) => `${messages.length}${await chatml(messages)}`
    const affixes = await affixesOf(counting)
    expect(affixes).toBeUndefined()
    expect(modelfile({ ...content, affixes, system: undefined })).not.toContain('TEMPLATE """')
  })

  it('lets no system text end its quotes', () => {
    const text = modelfile({ ...content, affixes: undefined, system: 'a"""\nFROM evil' })
    expect(text.match(/"""/g)).toHaveLength(2)
  })
})
