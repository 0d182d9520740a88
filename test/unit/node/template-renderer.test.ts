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

  it('keeps text that doubles without end out of its own thread (S-11)', async () => {
    renderer = templateRenderer(start, { deadlineMs: 2000 })
    const doubling = '{% set n = namespace(x="yyyyyyyy") %}{% for a in range(24) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}'
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
    await expect(renderer.render({ template: doubling, variables: {} })).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining(`wrote ${8 * 2 ** 24} characters`),
    })
    expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(64 << 20)
  })

  it('cuts off three nested loops of sixty, and one of a million (S-11)', async () => {
    renderer = templateRenderer(start, { deadlineMs: 20 })
    const nest = (...counts: number[]) =>
      counts.reduceRight((inner, count, i) => `{% for v${i} in range(${count}) %}${inner}{% endfor %}`, '{{ "" }}')
    for (const template of [nest(60, 60, 60), nest(1_000_000)])
      await expect(renderer.render({ template, variables: {} })).rejects.toMatchObject({ code: 'deadline-exceeded' })
    expect(await renderer.render({ template: 'still here', variables: {} })).toBe('still here')
  })

  it('refuses a template of more than 256 kB unread (S-11)', async () => {
    renderer = templateRenderer(() => {
      throw new Error('no thread is needed for that')
    })
    await expect(renderer.render({ template: 'x'.repeat((256 << 10) + 1), variables: {} })).rejects.toMatchObject({
      code: 'malformed-file',
    })
  })
})
