/** @file All questions to one judge, each a unit of work: the audit, the grades of all answers and the comparisons with the unsteered model. */

import type { Progress } from '../../model/language-model.ts'
import type { Message } from '../../model/messages.ts'
import { UNSTEERED } from '../arm.ts'
import { runUnits, type Unit, type UnitStore, unitKey } from '../units.ts'
import type { OpenAnswer } from './answers.ts'
import { auditJudge, type JudgeAudit } from './audit.ts'
import { type Judge, type JudgeExchange, judgeUnit } from './judge.ts'
import { type Comparison, combineOrders, type Grade, gradeMessages, pairMessages, readGrade, readVerdict } from './rubric.ts'

export interface JudgeAnswersOptions {
  readonly judge: Judge
  readonly answers: readonly OpenAnswer[]
  readonly units: UnitStore
  /** What the model under test is called: its own verdict is refused. */
  readonly modelNames: readonly string[]
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Every question with its raw reply, also where the reply came from the store. */
  readonly onExchange?: ((exchange: JudgeExchange) => void) | undefined
}

export interface JudgedAnswers {
  readonly audit: JudgeAudit
  /** In the order of the answers; undefined where the reply had no grade. */
  readonly grades: readonly (Grade | undefined)[]
  /** In the order of the answers; undefined for those of the unsteered model. */
  readonly comparisons: readonly (Comparison | undefined)[]
  readonly prompts: number
  readonly unreadable: number
}

interface Question {
  readonly purpose: string
  readonly messages: readonly Message[]
  readonly repeat?: number | undefined
}

export async function judgeAnswers(options: JudgeAnswersOptions): Promise<JudgedAnswers> {
  const { judge, answers, units, modelNames, signal, onProgress, onExchange } = options
  let prompts = 0
  const ask = async (questions: readonly Question[], progress?: (progress: Progress) => void) => {
    const told = new Set<number>()
    const tell = async (index: number, reply: string) => {
      const { purpose, messages } = questions[index]!
      told.add(index)
      const promptSha256 = await unitKey(messages)
      onExchange?.({ judge: judge.model, host: judge.host, purpose, messages, promptSha256, reply })
    }
    const planned: Unit[] = []
    for (const [index, { messages, repeat }] of questions.entries()) {
      const { key, compute } = await judgeUnit({ judge, messages, repeat, modelNames, signal })
      const computeAndTell = async () => {
        const reply = await compute()
        // At once: a later failure must not take this reply out of the log.
        await tell(index, reply)
        return reply
      }
      planned.push({ key, compute: computeAndTell })
    }
    const replies = await runUnits(units, planned, { signal, onProgress: progress })
    for (const [index, reply] of replies.entries()) if (!told.has(index)) await tell(index, reply)
    prompts += questions.length
    return replies
  }

  const audit = await auditJudge(async (purpose, messages, repeat) => (await ask([{ purpose, messages, repeat }]))[0]!)

  const pairs = answers.map((answer) => ({ answer, other: unsteeredOf(answer, answers) }))
  const compared = pairs.flatMap(({ answer, other }, index) =>
    other !== undefined && other.text !== answer.text ? [{ index, answer, other }] : [],
  )
  const questions: Question[] = [
    ...answers.map(({ situation, text }) => ({
      purpose: 'grade',
      messages: gradeMessages({ trait: situation.trait, situation: situation.text, answer: text }),
    })),
    ...compared.flatMap(({ answer, other }) => {
      const about = { trait: answer.situation.trait, situation: answer.situation.text }
      return [
        { purpose: 'pair', messages: pairMessages({ ...about, first: answer.text, second: other.text }) },
        { purpose: 'pair', messages: pairMessages({ ...about, first: other.text, second: answer.text }) },
      ]
    }),
  ]
  const replies = await ask(questions, onProgress)
  const grades = replies.slice(0, answers.length).map(readGrade)
  const verdicts = replies.slice(answers.length).map(readVerdict)
  // Equal texts need no judge: a tie in which no order was tried.
  const comparisons = pairs.map(({ other }): Comparison | undefined =>
    other === undefined ? undefined : { outcome: 'tie', consistent: undefined },
  )
  for (const [i, { index }] of compared.entries()) comparisons[index] = combineOrders(verdicts[2 * i], verdicts[2 * i + 1])
  const unreadable = [...grades, ...verdicts].filter((read) => read === undefined).length
  return { audit, grades, comparisons, prompts, unreadable }
}

/** What the unsteered model said at the same place; undefined for its own answers. */
function unsteeredOf({ arm, situation, sample }: OpenAnswer, answers: readonly OpenAnswer[]): OpenAnswer | undefined {
  if (arm === UNSTEERED.name) return undefined
  return answers.find((other) => other.arm === UNSTEERED.name && other.situation.id === situation.id && other.sample === sample)
}
