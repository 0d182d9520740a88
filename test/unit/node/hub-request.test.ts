import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkRedirect, hubAt, readHubToken } from '../../../src/node/hub-request.ts'

const TOKEN = 'hf_secret123'

describe('the address of a hub', () => {
  it('is the public one, or one over https, or one of this machine', () => {
    expect(hubAt(undefined).address).toBe('https://huggingface.co')
    expect(hubAt('https://mirror.example/hf/').address).toBe('https://mirror.example/hf')
    expect(hubAt('http://127.0.0.1:8080').address).toBe('http://127.0.0.1:8080')
  })

  it.each([
    'huggingface.co',
    'http://mirror.example',
    'http://127.0.0.1.example',
    'file:///etc',
    `https://user:${TOKEN}@mirror.example`,
  ])('is not %s', (address) => {
    expect(() => hubAt(address)).toThrow(
      expect.objectContaining({ code: 'invalid-input', message: expect.not.stringContaining(TOKEN) }),
    )
  })
})

describe('the token of a hub', () => {
  it('comes from the file, then from PALIGN_HUB_TOKEN, then from HF_TOKEN', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'palign-token-')), 'token')
    await writeFile(file, 'of-file\n')
    expect(await readHubToken(file, { PALIGN_HUB_TOKEN: 'a' })).toBe('of-file')
    expect(await readHubToken(undefined, { PALIGN_HUB_TOKEN: 'a', HF_TOKEN: 'b' })).toBe('a')
    expect(await readHubToken(undefined, { HF_TOKEN: 'b' })).toBe('b')
    expect(await readHubToken(undefined, {})).toBeUndefined()
  })

  it('is not shown where it cannot be sent', async () => {
    await expect(readHubToken(undefined, { HF_TOKEN: `${TOKEN}\nx` })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-input', message: expect.not.stringContaining(TOKEN) }),
    )
  })
})

describe('a redirect (S-13)', () => {
  const hub = hubAt('https://hub.example')
  const names: Record<string, string[]> = {
    'hub.example': ['93.184.216.34'],
    'cdn.example': ['93.184.216.35', '2606:2800:220:1::1'],
    'inside.example': ['93.184.216.35', '10.1.2.3'],
    'mirror.example': ['10.0.0.9'],
  }
  const resolveHost = async (host: string) => names[host] ?? []
  const follow = (to: string, from = hub) => checkRedirect(from, new URL(`${from.address}/x`), to, resolveHost)

  it('is followed on the hub and to public hosts over https', async () => {
    expect((await follow('/y')).href).toBe('https://hub.example/y')
    expect((await follow('https://cdn.example/y?signature=1')).host).toBe('cdn.example')
  })

  it.each([
    'http://cdn.example/y',
    'http://hub.example/y',
    'file:///etc/passwd',
    'https://user:word@cdn.example/y',
    'https://127.0.0.1/y',
    'https://0x7f.1/y',
    'https://2130706433/y',
    'https://[::1]/y',
    'https://[::ffff:10.0.0.1]/y',
    'https://[64:ff9b::a00:1]/y',
    'https://[fd00::1]/y',
    'https://169.254.169.254/latest/meta-data',
    'https://inside.example/y',
    'https://mirror.example/y',
    'http://127.0.0.1/y',
    'https://',
  ])('is not followed to %s', async (to) => {
    await expect(follow(to)).rejects.toThrow(expect.objectContaining({ code: 'engine-failed' }))
  })

  it('may stay in the private network that the hub is in, and on the machine that it is on', async () => {
    expect((await follow('https://10.0.0.10/y', hubAt('https://mirror.example'))).host).toBe('10.0.0.10')
    expect((await follow('http://127.0.0.1:81/y', hubAt('http://127.0.0.1:80'))).port).toBe('81')
    await expect(follow('http://cdn.example/y', hubAt('http://127.0.0.1:80'))).rejects.toThrow(/scheme/)
  })
})
