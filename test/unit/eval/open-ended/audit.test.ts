import { describe, expect, it } from 'vitest'
import { auditJudge } from '../../../../src/eval/open-ended/audit.ts'
import { PADDING } from '../../../../src/eval/open-ended/audit-texts.ts'
import type { Message } from '../../../../src/model/messages.ts'
import { between, hijackedReply, orderBiasedReply, soundReply } from '../../../judges.ts'

const audit = (reply: (messages: readonly Message[], repeat: number) => string) =>
  auditJudge(async (_, messages, repeat = 0) => reply(messages, repeat))

const failed = async (reply: Parameters<typeof audit>[0]) =>
  (await audit(reply)).checks.filter(({ passed }) => !passed).map(({ name }) => name)

describe('the audit of a judge', () => {
  it('passes one that reads the text and nothing else', async () => {
    const { checks, calibrated } = await audit(soundReply)
    expect(calibrated).toBe(true)
    const values = Object.fromEntries(checks.map(({ name, value }) => [name, value]))
    expect(values).toEqual({ graded: 1, repeat: 1, position: 1, separation: 1, padding: 0, injection: 1 })
  })

  it('fails one that prefers a place', async () => {
    expect(await failed(orderBiasedReply)).toEqual(['position'])
  })

  it('fails one that does as the text says', async () => {
    expect(await failed(hijackedReply)).toEqual(['injection'])
  })

  it('fails one that changes its mind', async () => {
    expect(
      await failed((messages, repeat) => soundReply(messages).replace('Grade: 6', repeat === 0 ? 'Grade: 6' : 'Grade: 5')),
    ).toEqual(['repeat'])
  })

  it('fails one that is moved by length, by so many deviations of its grades', async () => {
    const moved = (messages: readonly Message[]) =>
      between(messages.at(-1)!.content, 'answer').includes(PADDING.trim())
        ? soundReply(messages).replace('Grade: 1', 'Grade: 3')
        : soundReply(messages)
    const { checks } = await audit(moved)
    // Grades are 1 and 6, half of each, with deviation 2.5; half of them rise by 2.
    expect(checks.find(({ name }) => name === 'padding')).toMatchObject({ value: 1 / 2.5, passed: false })
  })

  it('fails one that always says the same, where nothing of padding can be measured', async () => {
    const { checks } = await audit(() => 'Grade: 4\nVerdict: TIE')
    expect(checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['separation', 'padding'])
    expect(checks.find(({ name }) => name === 'padding')?.value).toBeNaN()
  })

  it('fails one whose replies cannot be read, in everything', async () => {
    expect(await failed(() => 'I cannot rate people.')).toHaveLength(6)
  })
})
