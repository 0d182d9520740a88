import { describe, expect, it } from 'vitest'
import { UNSTEERED } from '../../../../src/eval/arm.ts'
import { answerDocuments } from '../../../../src/eval/capability/answer.ts'
import { type BenchDocument, PROBLEM_STOPS, problemDocument } from '../../../../src/eval/capability/documents.ts'
import { measure, type Response } from '../../../../src/eval/capability/measures.ts'
import { gsm8kTask, hellaswagTask, mmluTask, questionTask, truthfulqaTask } from '../../../../src/eval/capability/tasks.ts'
import { letterModel, textOf } from '../../../fixtures/letter-model.ts'

const choice = (question: string, choices: readonly string[], answer = 0, subject?: string) => ({
  id: question,
  subject,
  question,
  choices,
  answer,
})
const asked = (document: BenchDocument | undefined) => (document?.kind === 'problem' ? [] : document!.requests)
const valuesOf = (response: Response | undefined) => (response?.kind === 'likelihoods' ? response.logLikelihoods : [])
const answer = (model: Parameters<typeof answerDocuments>[0], documents: readonly BenchDocument[], arm = UNSTEERED) =>
  answerDocuments(model, documents, { arm, beginning: [1] })

describe('prompt of MMLU', () => {
  it('has the subject, five examples of it in file order, the list of choices, and letters to continue with', () => {
    const examples = Array.from({ length: 6 }, (_, i) => choice(`Example ${i}?`, ['w', 'x', 'y', 'z'], i % 4, 'sea_birds'))
    const other = choice('Another subject?', ['w', 'x', 'y', 'z'], 0, 'knots')
    const item = choice(' Which one dives? ', ['gannet', 'tern', 'skua', 'fulmar'], 1, 'sea_birds')
    const [document] = mmluTask([item], [other, ...examples]).documents
    const shots = ['A', 'B', 'C', 'D', 'A'].map((letter, i) => `Example ${i}?\nA. w\nB. x\nC. y\nD. z\nAnswer: ${letter}\n\n`)
    const context = [
      'The following are multiple choice questions (with answers) about sea birds.\n\n',
      ...shots,
      'Which one dives?\nA. gannet\nB. tern\nC. skua\nD. fulmar\nAnswer:',
    ].join('')
    expect(asked(document)).toEqual([' A', ' B', ' C', ' D'].map((continuation) => ({ context, continuation })))
    expect(document).toMatchObject({ right: 1, group: 'sea_birds' })
  })

  it('needs four choices', () => {
    expect(() => mmluTask([choice('Q?', ['a', 'b', 'c'], 0, 's')], [])).toThrow(/3 choices/)
  })
})

describe('prompts of the other tasks', () => {
  it('ask a question in ARC’s form, and let HellaSwag’s text go on', () => {
    expect(asked(questionTask('arc-challenge', [choice('Why?', ['so', 'not so'])]).documents[0])).toEqual([
      { context: 'Question: Why?\nAnswer:', continuation: ' so' },
      { context: 'Question: Why?\nAnswer:', continuation: ' not so' },
    ])
    expect(asked(hellaswagTask([choice('Rowing: he', ['rows.', 'sleeps.'])]).documents[0])[1]).toEqual({
      context: 'Rowing: he',
      continuation: ' sleeps.',
    })
  })

  it('put the examples before a question of TruthfulQA, and ask an answer of both lists once', () => {
    const [document] = truthfulqaTask(
      [
        {
          id: 'q',
          question: 'Is it?',
          mc1: [
            ['No.', false],
            ['Yes.', true],
          ],
          mc2: [
            ['Yes.', true],
            ['Maybe.', true],
            ['No.', false],
          ],
        },
      ],
      [{ question: 'Was it?', answer: 'Once.' }],
    ).documents
    const requests = asked(document)
    expect(requests.map(({ continuation }) => continuation)).toEqual([' No.', ' Yes.', ' Maybe.'])
    expect(requests[0]!.context).toBe('Q: Was it?\nA: Once.\n\nQ: Is it?\nA:')
    const response = { kind: 'likelihoods', logLikelihoods: [-3, -1, -2], cut: false } as const
    expect(measure('mc1', document!, response)).toBe(1)
    expect(measure('mc2', document!, response)).toBeCloseTo(0.909969, 6)
    expect(measure('mc1', document!, { ...response, logLikelihoods: [-1, -1, -2] })).toBe(0)
  })

  it('show worked problems before a problem', () => {
    const problem = (question: string) => ({ id: question, question, answer: `${question} is one.\n#### 1` })
    const task = gsm8kTask([problem('c')], [problem('a'), problem('b')])
    expect(task.shots).toBe(2)
    expect((task.documents[0] as ReturnType<typeof problemDocument>).context).toBe(
      'Question: a\nAnswer: a is one.\n#### 1\n\nQuestion: b\nAnswer: b is one.\n#### 1\n\nQuestion: c\nAnswer:',
    )
  })
})

describe('answers of a model whose likelihoods add up by hand', () => {
  const costs = { ' ': 1, a: 1, c: 1, b: 1, é: 1.2 }

  it('differ by what lengths are counted in: sum, characters, bytes', async () => {
    // Sums 2, 4.6, 5; per character 2, 1.533, 1.25; per byte 2, .767, 1.25.
    const [document] = questionTask('own', [choice('q', ['a', 'ééé', 'bbbb'], 0)]).documents
    const [response] = await answer(letterModel({ costs }), [document!])
    expect(response).toMatchObject({ kind: 'likelihoods', cut: false })
    const logLikelihoods = valuesOf(response)
    for (const [i, sum] of [-2, -4.6, -5].entries()) expect(logLikelihoods[i]).toBeCloseTo(sum, 12)
    const rightBy = (right: number) =>
      (['acc', 'acc_norm', 'acc_bytes'] as const).map((metric) =>
        measure(metric, { ...document!, right } as BenchDocument, response!),
      )
    expect([0, 1, 2].map(rightBy)).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
    ])
  })

  it('take the first of a tie, and count the space that a context ends with', async () => {
    const [tie] = hellaswagTask([choice('The wave ', ['c', 'a'], 0)]).documents
    const [response] = await answer(letterModel({ costs }), [tie!])
    expect(response).toMatchObject({ logLikelihoods: [-3, -3] })
    expect(measure('acc', tie!, response!)).toBe(1)
    expect(measure('acc', { ...tie, right: 1 } as BenchDocument, response!)).toBe(0)
  })

  it('are also those after nothing, where a measure needs them', async () => {
    const [document] = questionTask('own', [choice('q', ['a', 'bb'], 1)]).documents
    const model = letterModel({ costs })
    const [response] = await answer(model, [document!])
    expect(response).toMatchObject({ alone: [-2, -3] })
    expect(model.asked.map(({ requests }) => requests.map(({ tokens }) => textOf(tokens)))).toEqual([
      ['Question: q\nAnswer:'],
      ['\u0001'],
    ])
    const likelier = { ...response!, logLikelihoods: [-2, -2.5] } as typeof response
    expect(measure('acc_mutual_info', document!, likelier!)).toBe(1)
    expect(measure('acc', document!, likelier!)).toBe(0)
    const [without] = await answerDocuments(model, [document!], { arm: UNSTEERED, beginning: [] })
    expect(measure('acc_mutual_info', document!, without!)).toBeUndefined()
  })

  it('come from the persona’s prompt as a paragraph before the context', async () => {
    const model = letterModel({ costs })
    await answer(model, hellaswagTask([choice('Rain', ['a', 'b'])]).documents, { name: 'me', system: 'I am calm.', steering: {} })
    expect(textOf(model.asked[0]!.requests[0]!.tokens)).toBe('I am calm.\n\nRain')
  })

  it('come back in the order of the documents, though groups go through together', async () => {
    const documents = hellaswagTask([choice('x', ['a', 'aa']), choice('y', ['b', 'bb']), choice('z', ['aaa', 'a'])]).documents
    const grouped = documents.map((document, i) => ({ ...document, group: i === 1 ? 'odd' : 'even' }) as BenchDocument)
    const model = letterModel({ costs })
    const responses = await answer(model, grouped)
    expect(model.asked).toHaveLength(2)
    expect(responses.map(valuesOf)).toEqual([
      [-2, -3],
      [-2, -3],
      [-4, -2],
    ])
  })
})

describe('solution of a problem', () => {
  const problem = problemDocument({ id: 'q', question: 'How many?', answer: '3 + 4\n#### 7' }, 0, [])

  it('is read by both filters', async () => {
    const [response] = await answer(letterModel({ says: 'It is 7' }), [problem])
    expect(response).toEqual({ kind: 'text', text: 'It is 7', unfinished: false, cut: false })
    expect(measure('exact_match,strict-match', problem, response!)).toBe(0)
    expect(measure('exact_match,flexible-extract', problem, response!)).toBe(1)
    expect(PROBLEM_STOPS).toEqual(['Question:', '</s>', '<|im_end|>'])
  })

  it('says that it met the limit, and that its context was cut to leave room', async () => {
    const model = letterModel({ says: '1', reason: 'length', contextLength: 256 + 10 })
    expect(await answer(model, [problem])).toEqual([{ kind: 'text', text: '1', unfinished: true, cut: true }])
    expect(textOf(model.asked[0]!.requests[0]!.tokens)).toBe('ny?\nAnswer:'.slice(-10))
  })
})
