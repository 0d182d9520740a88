import { describe, expect, it } from 'vitest'
import {
  labelStudioInterface,
  labelStudioRatings,
  labelStudioTableRatings,
  labelStudioTasks,
} from '../../../../src/eval/rating/label-studio.ts'

const data = { package: 'p1', task: 't00001', prompt: 'Why?', persona: '', left: 'one', right: 'two' }
const rating = { package: 'p1', task: 't00001', rater: 'annotator 7', choice: 'left', left: 5, right: 2 }
const choices = { from_name: 'choice', to_name: 'prompt', type: 'choices', value: { choices: ['left'] } }
const graded = (name: string, grade: number) => ({ from_name: name, to_name: 'left', type: 'rating', value: { rating: grade } })
const annotation = { completed_by: 7, was_cancelled: false, result: [choices, graded('left_grade', 5), graded('right_grade', 2)] }

const row = (line: number, cells: Readonly<Record<string, string>>) => ({ line, values: new Map(Object.entries(cells)) })

describe('Label Studio', () => {
  it('gets what raters see, and the package it belongs to', () => {
    const task = { task: 't00001', prompt: 'Why?', left: 'one', right: 'two' }
    expect(labelStudioTasks({ id: 'p1', tasks: [task], assignments: {} })).toEqual([{ data }])
  })

  it('has a control in the interface for everything that is read back', () => {
    for (const name of ['choice', 'left_grade', 'right_grade', 'left', 'right', 'prompt', 'persona']) {
      expect(labelStudioInterface()).toContain(` name="${name}"`)
    }
  })

  it('gives ratings from JSON, one for each annotation that was not skipped', () => {
    const skipped = { ...annotation, was_cancelled: true, completed_by: { id: 8, email: 'x@example.org' }, result: [] }
    const other = { ...annotation, completed_by: { id: 9, email: 'y@example.org' } }
    const read = labelStudioRatings([{ id: 3, data, annotations: [annotation, skipped, other] }], 'out.json')
    expect(read).toEqual([
      { place: 'file out.json, entry 1', rating },
      { place: 'file out.json, entry 1', rating: { ...rating, rater: 'annotator 9' } },
    ])
  })

  it('gives the same from JSON-MIN and from CSV', () => {
    const flat = { ...data, annotator: 7, choice: 'left', left_grade: [{ rating: 5 }], right_grade: 2 }
    expect(labelStudioRatings([flat], 'min.json')).toEqual([{ place: 'file min.json, entry 1', rating }])
    const cells = { ...data, annotator: '7', choice: 'left', left_grade: '[{"rating": 5}]', right_grade: '2' }
    expect(labelStudioTableRatings([row(4, cells)], 'out.csv')).toEqual([{ place: 'file out.csv, line 4', rating }])
  })

  it('needs no grades, not even their columns', () => {
    const {
      left_grade: _,
      right_grade: __,
      ...cells
    } = { ...data, annotator: '7', choice: 'tie', left_grade: '', right_grade: '' }
    const [read] = labelStudioTableRatings([row(2, cells)], 'out.csv')
    expect(read!.rating).toMatchObject({ choice: 'tie', left: undefined })
  })

  it('a row without a choice is a skipped task, and grades may be missing', () => {
    const cells = { ...data, annotator: '7', choice: '', left_grade: '', right_grade: '' }
    const read = labelStudioTableRatings([row(2, cells), row(3, { ...cells, choice: 'both-bad' })], 'out.csv')
    expect(read.map((each) => each.rating)).toEqual([{ ...rating, choice: 'both-bad', left: undefined, right: undefined }])
  })

  it('refuses what is no such export, and says where', () => {
    expect(() => labelStudioRatings({}, 'out.json')).toThrow(/file out.json holds no list/)
    expect(() => labelStudioRatings([{ data: { task: 't' }, annotations: [] }], 'out.json')).toThrow(
      /out.json, entry 1: task has a wrong data.package/,
    )
    expect(() => labelStudioRatings([{ data, annotations: [{ ...annotation, result: [] }] }], 'out.json')).toThrow(
      /entry 1: rating has a wrong choice/,
    )
    const cells = { ...data, annotator: '7', choice: 'left', left_grade: 'many', right_grade: '' }
    expect(() => labelStudioTableRatings([row(9, cells)], 'out.csv')).toThrow(/out.csv, line 9: rating has a wrong left/)
  })
})
