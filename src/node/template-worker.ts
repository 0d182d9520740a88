/** @file Worker thread that renders chat templates: a template comes with a model and is not to be trusted with the main thread. */
import { parentPort } from 'node:worker_threads'
import { Template } from '@huggingface/jinja'

export interface TemplateJob {
  readonly template: string
  readonly variables: Record<string, unknown>
}

export interface BoundedTemplateJob extends TemplateJob {
  readonly mostCharacters: number
}

export type TemplateResult = { readonly text: string } | { readonly characters: number } | { readonly error: string }

const compiled = new Map<string, Template>()

function render({ template, variables, mostCharacters }: BoundedTemplateJob): TemplateResult {
  try {
    let program = compiled.get(template)
    if (program === undefined) {
      program = new Template(template)
      compiled.clear()
      compiled.set(template, program)
    }
    const text = program.render(variables)
    // Too much never leaves this thread: text that doubles is made in no time, and copying it would cost the other thread its memory.
    return text.length > mostCharacters ? { characters: text.length } : { text }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

parentPort?.on('message', (job: BoundedTemplateJob) => parentPort?.postMessage(render(job)))
parentPort?.postMessage('ready')
