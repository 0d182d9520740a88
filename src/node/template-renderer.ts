/** @file Chat templates under a deadline, in a worker thread that is killed when it does not answer. */
import type { Worker } from 'node:worker_threads'
import { PalignError } from '../errors.ts'
import type { BoundedTemplateJob, TemplateJob, TemplateResult } from './template-worker.ts'

const DEADLINE_MS = 250
/** On a starved machine an honest template can miss the deadline once; a hostile one misses it always. */
const ATTEMPTS = 2
const MAX_TEMPLATE_CHARACTERS = 256 * 1024
/** Rendering copies the messages once; a template that multiplies them is an attack. */
const MAX_GROWTH = 4

export interface TemplateRenderer {
  render(job: TemplateJob): Promise<string>
  dispose(): Promise<void>
}

/** @param start starts the worker; its entry differs between source and build, so the caller knows it. */
export function templateRenderer(
  start: () => Worker,
  { deadlineMs = DEADLINE_MS }: { deadlineMs?: number } = {},
): TemplateRenderer {
  let worker: Promise<Worker> | undefined
  let last: Promise<unknown> = Promise.resolve()

  async function attempt(job: BoundedTemplateJob): Promise<TemplateResult | 'late'> {
    worker ??= online(start())
    const running = await worker
    running.ref()
    try {
      return await answer(running, job, deadlineMs)
    } catch (error) {
      worker = undefined
      await running.terminate()
      if (error === LATE) return 'late'
      throw error
    } finally {
      running.unref()
    }
  }

  async function renderOne(job: TemplateJob): Promise<string> {
    checkTemplateLength(job.template)
    const limit = MAX_GROWTH * (JSON.stringify(job.variables).length + job.template.length)
    for (let i = 0; i < ATTEMPTS; i++) {
      const result = await attempt({ ...job, mostCharacters: limit })
      if (result === 'late') continue
      if ('error' in result) throw new PalignError('unsupported-model', `chat template failed: ${result.error.slice(0, 300)}`)
      if ('characters' in result) {
        throw new PalignError(
          'unsupported-model',
          `chat template wrote ${result.characters} characters, at most ${limit} are accepted`,
        )
      }
      return result.text
    }
    throw new PalignError('deadline-exceeded', `chat template did not finish in ${deadlineMs} ms`, {
      hint: 'the template of this model loops or is hostile; use another model',
    })
  }

  return {
    // One at a time: a deadline must measure one template, not its queue.
    render(job) {
      const result = last.then(() => renderOne(job))
      last = result.catch(() => undefined)
      return result
    },
    async dispose() {
      await last
      await (await worker)?.terminate()
      worker = undefined
    },
  }
}

/** @throws PalignError `malformed-file` */
export function checkTemplateLength(template: string): void {
  if (template.length <= MAX_TEMPLATE_CHARACTERS) return
  throw new PalignError(
    'malformed-file',
    `chat template has ${template.length} characters, at most ${MAX_TEMPLATE_CHARACTERS} are accepted`,
  )
}

const LATE = Symbol('late')

/** The worker says once that it has loaded: loading must not count against the first template. */
function online(worker: Worker): Promise<Worker> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve(worker))
    worker.once('error', reject)
  })
}

function answer(worker: Worker, job: BoundedTemplateJob, deadlineMs: number): Promise<TemplateResult> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer)
      worker.off('message', onMessage)
      worker.off('error', onError)
      act()
    }
    const onMessage = (result: TemplateResult) => finish(() => resolve(result))
    // Out of memory ends the worker with an error: for the caller the same as not answering.
    const onError = () => finish(() => reject(LATE))
    const timer = setTimeout(() => finish(() => reject(LATE)), deadlineMs)
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.postMessage(job)
  })
}
