import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'

let child: ChildProcess | undefined
afterEach(() => void child?.kill('SIGKILL'))

/** The address that the command prints when it listens. */
async function started(...args: string[]): Promise<string> {
  child = spawn('node', ['dist/cli/main.js', 'serve', '--model', 'models/respondent', '--port', '0', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const piece of child.stdout!) {
    text += String(piece)
    if (text.trimEnd().endsWith('}')) break
  }
  return (JSON.parse(text) as { url: string }).url
}

describe('palign serve', () => {
  it('answers over HTTP, and ends what is in flight before it stops', async () => {
    const url = await started()
    const messages = [{ role: 'user', content: 'Who are you?' }]
    const body = JSON.stringify({ model: 'respondent', messages, max_tokens: 8, temperature: 0 })
    const answering = fetch(`${url}/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    const { choices } = (await (await answering).json()) as { choices: { message: { content: string } }[] }
    expect(choices[0]!.message.content.length).toBeGreaterThan(0)
    const ended = once(child!, 'exit')
    child!.kill('SIGINT')
    expect((await ended)[0]).toBe(0)
  })

  it('refuses to be reached from other machines without a key', async () => {
    const [code, stderr] = await new Promise<[number, string]>((resolve) => {
      const env = { ...process.env, PALIGN_API_KEY: undefined }
      execFile(
        'node',
        ['dist/cli/main.js', 'serve', '--model', 'models/respondent', '--host', '0.0.0.0'],
        { env },
        (error, _, text) => resolve([Number(error?.code), text]),
      )
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/no key is asked for/)
  })
})
