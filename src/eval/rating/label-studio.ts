/**
 * @file Label Studio: tasks and labelling interface to import there, and the results it exports (JSON, JSON_MIN, CSV) as ratings.
 * Formats as its guide describes them: labelstud.io/guide/task_format, /guide/export.
 */
import { z } from 'zod'
import { at, PalignError } from '../../errors.ts'
import { parsed } from './answers.ts'
import type { RatingPackage } from './package.ts'
import { HIGHEST_GRADE, type PlacedRating, parseRating } from './ratings.ts'

/** Names of the controls of the interface; a result carries them. */
const CONTROLS = { choice: 'choice', left: 'left_grade', right: 'right_grade' } as const

/** For "Import". */
export function labelStudioTasks({ id, tasks }: RatingPackage): object[] {
  return tasks.map(({ task, prompt, persona, left, right }) => ({
    data: { package: id, task, prompt, persona: persona ?? '', left, right },
  }))
}

/** For "Labeling interface", code view. */
export function labelStudioInterface(): string {
  return `<View>
  <Header value="Person"/>
  <Text name="persona" value="$persona"/>
  <Header value="Prompt"/>
  <Text name="prompt" value="$prompt"/>
  <View style="display: grid; grid-template-columns: 1fr 1fr; gap: 1rem">
    <View>
      <Header value="Left"/>
      <Text name="left" value="$left"/>
      <Rating name="${CONTROLS.left}" toName="left" maxRating="${HIGHEST_GRADE}"/>
    </View>
    <View>
      <Header value="Right"/>
      <Text name="right" value="$right"/>
      <Rating name="${CONTROLS.right}" toName="right" maxRating="${HIGHEST_GRADE}"/>
    </View>
  </View>
  <Header value="Which answer suits better?"/>
  <Choices name="${CONTROLS.choice}" toName="prompt" choice="single-radio" required="true" showInline="true">
    <Choice value="left"/>
    <Choice value="right"/>
    <Choice value="tie"/>
    <Choice value="both-bad"/>
  </Choices>
</View>
`
}

const optional = z.unknown().optional()
const person = z.union([z.number(), z.string().min(1).max(200)])
const shownTask = z.looseObject({ package: z.string(), task: z.string() })
const annotation = z.looseObject({
  completed_by: z.union([person, z.looseObject({ id: person })]),
  was_cancelled: z.boolean().nullish(),
  result: z.array(z.looseObject({ from_name: z.string().optional(), value: z.looseObject({}).optional() })).max(1000),
})
const full = z.looseObject({ data: shownTask, annotations: z.array(annotation).max(10_000) })
const flat = shownTask.extend({ annotator: person, choice: optional, left_grade: optional, right_grade: optional })

/** Ratings of an export as JSON or JSON_MIN; skipped tasks give none. @throws PalignError `malformed-file`, `file` and entry named */
export function labelStudioRatings(json: unknown, file: string): PlacedRating[] {
  if (!Array.isArray(json)) {
    throw new PalignError('malformed-file', `file ${file} holds no list of tasks`, {
      hint: 'export from Label Studio as JSON, JSON-MIN or CSV',
    })
  }
  return json.flatMap((entry: unknown, index) => {
    const place = `file ${file}, entry ${index + 1}`
    const isFull = typeof entry === 'object' && entry !== null && 'annotations' in entry
    return isFull ? ofAnnotations(entry, place) : ofFlat(entry, place)
  })
}

/** Ratings of an export as CSV, its header first. @throws PalignError `malformed-file`, `file` and line named */
export function labelStudioTableRatings(
  rows: readonly { readonly line: number; readonly values: ReadonlyMap<string, string> }[],
  file: string,
): PlacedRating[] {
  return rows.flatMap(({ line, values }) => ofFlat(Object.fromEntries(values), `file ${file}, line ${line}`))
}

function ofAnnotations(entry: unknown, place: string): PlacedRating[] {
  const { data, annotations } = at(place, () => parsed(full, entry, 'task', '{"data": {"package", "task"}, "annotations"}'))
  return annotations
    .filter(({ was_cancelled }) => was_cancelled !== true)
    .map(({ completed_by, result }) => {
      const by = (control: string) => result.find(({ from_name }) => from_name === control)?.value
      const annotator = typeof completed_by === 'object' ? completed_by.id : completed_by
      return ratingOf(place, {
        ...data,
        annotator,
        choice: (by(CONTROLS.choice)?.choices as unknown[] | undefined)?.[0],
        left_grade: by(CONTROLS.left)?.rating,
        right_grade: by(CONTROLS.right)?.rating,
      })
    })
}

function ofFlat(entry: unknown, place: string): PlacedRating[] {
  const row = at(place, () => parsed(flat, entry, 'annotation', 'the columns package, task, annotator and choice'))
  // An annotation without any answer is a skipped task.
  if (row.choice === undefined || row.choice === '') return []
  return [ratingOf(place, row)]
}

function ratingOf(
  place: string,
  { package: id, task, annotator, choice, left_grade, right_grade }: z.infer<typeof flat>,
): PlacedRating {
  const rating = at(place, () =>
    parseRating({
      package: id,
      task,
      rater: `annotator ${annotator}`,
      choice,
      left: gradeOf(left_grade),
      right: gradeOf(right_grade),
    }),
  )
  return { place, rating }
}

/** A number, its digits, or `[{"rating": 4}]`, as JSON_MIN has it, or that as text, as CSV has it. */
function gradeOf(value: unknown): unknown {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'string') {
    try {
      return gradeOf(JSON.parse(value))
    } catch {
      return value
    }
  }
  const [first] = Array.isArray(value) ? value : [value]
  return typeof first === 'object' && first !== null && 'rating' in first ? first.rating : first
}
