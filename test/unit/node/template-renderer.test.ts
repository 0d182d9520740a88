import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { type TemplateRenderer, templateRenderer } from '../../../src/node/template-renderer.ts'

// The worker runs from the build: Node 20 does not run TypeScript.
const start = () => new Worker(new URL('../../../dist/node/template-worker.js', import.meta.url))

describe('template renderer', () => {
  let renderer: TemplateRenderer | undefined
  afterEach(() => renderer?.dispose())

  it('renders messages', async () => {
    renderer = templateRenderer(start)
    const text = await renderer.render({
      template: '{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}',
      variables: { messages: [{ role: 'user', content: 'hi' }] },
    })
    expect(text).toBe('[user]hi')
  })

  it('cuts off a template that loops, and renders the next one', async () => {
    renderer = templateRenderer(start, { deadlineMs: 150 })
    const hostile =
      '{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}'
    await expect(renderer.render({ template: hostile, variables: {} })).rejects.toMatchObject({ code: 'deadline-exceeded' })
    expect(await renderer.render({ template: 'still here', variables: {} })).toBe('still here')
  })

  it('names the failure of a template that raises', async () => {
    renderer = templateRenderer(start)
    const raising = "{{ raise_exception('no system role') }}"
    await expect(renderer.render({ template: raising, variables: {} })).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining('no system role'),
    })
  })

  it('refuses a template that multiplies its input', async () => {
    renderer = templateRenderer(start)
    const bomb = '{% for a in range(2000) %}{{ x }}{% endfor %}'
    await expect(renderer.render({ template: bomb, variables: { x: 'y'.repeat(100) } })).rejects.toMatchObject({
      code: 'unsupported-model',
    })
  })
})
