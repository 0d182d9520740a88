import { describe, expect, it } from 'vitest'
import { isPlainPath, isTraversal, parseHubId, shown } from '../../../src/node/hub-names.ts'

describe('names of models', () => {
  it('are an owner and a name, at main where no revision is given', () => {
    expect(parseHubId('ada/small-1.7B')).toEqual({ owner: 'ada', name: 'small-1.7B', revision: 'main' })
    expect(parseHubId('ada/x@refs/pr/1').revision).toBe('refs/pr/1')
  })

  it.each([
    'ada',
    'ada/',
    '/ada',
    'a/b/c',
    '../x',
    'ada/..',
    'ada/x--y',
    'ada/.x',
    'ada/x.',
    'a\\b/c',
    'ada/x%2e%2e',
    'ada/x\0',
    'аda/x',
    'C:/x',
    'ada/x@',
    'ada/x@a@b',
    'ada/x@../..',
    'ada/x@a//b',
    'ada/x@-y',
    'ada/x@v1/',
    `${'a'.repeat(97)}/x`,
    'https://host/ada/x',
  ])('are nothing else: %j (S-01)', (text) => {
    expect(() => parseHubId(text)).toThrow(expect.objectContaining({ code: 'invalid-input' }))
  })
})

describe('paths of a repository', () => {
  it('become paths here where they are plain', () => {
    for (const path of ['config.json', 'onnx/model.onnx_data', 'model-00001-of-00002.safetensors'])
      expect(isPlainPath(path)).toBe(true)
  })

  const elsewhere = ['../x', 'a/../x', 'a/..', './x', '/etc/x', 'a//b', 'a\\b', 'C:x', 'x\0.json', '', 'a/']
  it.each(elsewhere)('that lead elsewhere are known, and not plain: %j (S-01)', (path) => {
    expect(isTraversal(path)).toBe(true)
    expect(isPlainPath(path)).toBe(false)
  })

  it.each([
    '%2e%2e/x',
    'CON',
    'nul.json',
    'com1.safetensors',
    '.hidden',
    '-o',
    'x.',
    'x ',
    'x y.json',
    '\u2024\u2024/x',
    'mode\u0131.json',
    'x\u202e.json',
    `${'a'.repeat(129)}`,
    'a/b/c/d/e',
  ])('that a system may read otherwise are not plain: %j (S-01)', (path) => {
    expect(isPlainPath(path)).toBe(false)
  })

  it('are shown without control characters', () => {
    expect(shown('a\u001b[31m\u202eb')).toBe('"a\\u001b[31m?b"')
  })
})
