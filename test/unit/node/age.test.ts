import { describe, expect, it } from 'vitest'
import { decrypt, encrypt, isEncrypted } from '../../../src/node/age.ts'

const passphrase = 'correct horse battery staple'
/** Cheap: what is tested is not how long a guess takes. */
const workFactor = 8
const plain = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251)
const secret = await encrypt(plain, passphrase, { workFactor })
const refused = {
  code: 'malformed-file',
  message: expect.stringMatching(/passphrase is wrong, or the file was changed or cut off/),
}

/** The header in other words. */
function withHeader(change: (header: string) => string): Uint8Array {
  const text = Buffer.from(secret).toString('latin1')
  return Buffer.from(change(text), 'latin1')
}

describe('a file under a passphrase', () => {
  it('comes back as it was, and looks different every time', async () => {
    expect(isEncrypted(secret)).toBe(true)
    expect(isEncrypted(plain)).toBe(false)
    expect(Buffer.from(await decrypt(secret, passphrase)).equals(plain)).toBe(true)
    expect(Buffer.from(await encrypt(plain, passphrase, { workFactor })).equals(secret)).toBe(false)
    expect(await decrypt(await encrypt(new Uint8Array(0), passphrase, { workFactor }), passphrase)).toHaveLength(0)
  })

  it('is refused under another passphrase', async () => {
    for (const wrong of ['', `${passphrase} `, 'x']) await expect(decrypt(secret, wrong)).rejects.toThrow()
    await expect(decrypt(secret, 'x')).rejects.toMatchObject(refused)
  })

  it('is refused where it was cut off, in every part of it', async () => {
    for (const length of [200, secret.length - 70_000, 66_000, secret.length - 1])
      await expect(decrypt(secret.slice(0, length), passphrase), `${length} bytes`).rejects.toMatchObject(refused)
    await expect(decrypt(secret.slice(0, 100), passphrase)).rejects.toMatchObject({ code: 'malformed-file' })
  })

  it('is refused where a bit was changed: in salt, key, seal, nonce and content', async () => {
    const end = Buffer.from(secret).indexOf('\n---') + 50
    for (const place of [40, 90, end - 10, end + 3, end + 100, secret.length - 1]) {
      const changed = secret.slice()
      changed[place]! ^= 2
      await expect(decrypt(changed, passphrase), `byte ${place}`).rejects.toMatchObject({ code: 'malformed-file' })
    }
  })

  it('may not ask for more work than age itself does: refused at once', async () => {
    const started = performance.now()
    for (const factor of ['19', '22', '63', '99'])
      await expect(
        decrypt(
          withHeader((text) => text.replace(/ 8\n/, ` ${factor}\n`)),
          passphrase,
        ),
      ).rejects.toThrow(new RegExp(`work factor of ${factor}, at most 18`))
    // A factor of 19 alone takes seconds.
    expect(performance.now() - started).toBeLessThan(500)
  })

  it.each<[string, (text: string) => string]>([
    ['of another version', (text) => text.replace('/v1', '/v2')],
    ['for a key in place of a passphrase', (text) => text.replace('-> scrypt', '-> X25519')],
    ['with a second way in', (text) => text.replace('\n---', '\n-> X25519 AAAA\nAAAA\n---')],
    ['with a work factor of many digits', (text) => text.replace(/ 8\n/, ' 0000000000000018\n')],
    ['in armour', () => '-----BEGIN AGE ENCRYPTED FILE-----\n'],
  ])('is refused %s', async (_, change) => {
    await expect(decrypt(withHeader(change), passphrase)).rejects.toThrow(/not one of age under a passphrase/)
  })
})
