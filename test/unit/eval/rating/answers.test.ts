import { describe, expect, it } from 'vitest'
import { answeredPrompts, parseAnswer } from '../../../../src/eval/rating/answers.ts'

const answer = (id: string, arm: string, more: object = {}) => ({ id, prompt: 'Why?', arm, text: `${arm} says`, ...more })

describe('answers to be compared', () => {
  it('are grouped by prompt; a prompt of one arm is left out', () => {
    const prompts = answeredPrompts([answer('p', 'a'), answer('q', 'a'), answer('p', 'b')])
    expect(prompts.map(({ id, texts }) => [id, [...texts.keys()]])).toEqual([['p', ['a', 'b']]])
  })

  it('are refused where an arm answers twice, where prompts differ, and where nothing can be compared', () => {
    expect(() => answeredPrompts([answer('p', 'a'), answer('p', 'a')])).toThrow(/two of the arm a/)
    expect(() => answeredPrompts([answer('p', 'a'), answer('p', 'b', { prompt: 'How?' })])).toThrow(/two prompts/)
    expect(() => answeredPrompts([answer('p', 'a'), answer('q', 'b')])).toThrow(/no prompt answered by two arms/)
  })

  it('are shown without overrides of direction', () => {
    const [prompt] = answeredPrompts([answer('p', 'a', { text: 'x\u202ey' }), answer('p', 'b')])
    expect(prompt!.texts.get('a')).toBe('x\ufffdy')
  })

  it('name the field that is wrong', () => {
    expect(() => parseAnswer({ id: 'p', prompt: 'Why?', arm: 'a' })).toThrow(/wrong text/)
    expect(() => parseAnswer('p')).toThrow(/wrong form/)
  })
})
