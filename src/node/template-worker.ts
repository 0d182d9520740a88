/** @file Worker thread that renders chat templates: a template comes with a model and is not to be trusted with the main thread. */
import { parentPort } from 'node:worker_threads'
import { Template } from '@huggingface/jinja'

export interface TemplateJob {
  readonly template: string
  readonly variables: Record<string, unknown>
}

export type TemplateResult = { readonly text: string } | { readonly error: string }

const compiled = new Map<string, Template>()

function render({ template, variables }: TemplateJob): TemplateResult {
  try {
    let program = compiled.get(template)
    if (program === undefined) {
      program = new Template(template)
      compiled.clear()
      compiled.set(template, program)
    }
    return { text: program.render(variables) }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

parentPort?.on('message', (job: TemplateJob) => parentPort?.postMessage(render(job)))
parentPort?.postMessage('ready')
