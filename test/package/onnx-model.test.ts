import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPIP_NEO_300, type LanguageModel, loadModel, simulateRespondents, zeroDisplacement } from 'palign'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { distance, LOGIT_TOLERANCE } from '../engine/conformance.ts'
import { readModelFolder } from '../engine/open-model.ts'
import { genaiModel } from '../fixtures/exported-genai.ts'
import type { ExportedModel } from '../fixtures/exported-graph.ts'
import { optimumModel } from '../fixtures/exported-optimum.ts'

const demo = 'models/respondent'
const source = { ...readModelFolder(demo), json: JSON.parse(readFileSync(join(demo, 'config.json'), 'utf8')) }
const scratch = mkdtempSync(join(tmpdir(), 'palign-test-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** The text side of the demo model, and an export of its weights. */
function folderOf(name: string, { files }: ExportedModel, below = ''): string {
  const folder = join(scratch, name)
  mkdirSync(join(folder, below), { recursive: true })
  for (const file of readdirSync(demo)) if (!file.endsWith('.safetensors')) copyFileSync(join(demo, file), join(folder, file))
  for (const [file, bytes] of files) writeFileSync(join(folder, below, file), bytes)
  return folder
}

let transformersJs = ''
let genai = ''
let original: LanguageModel
beforeAll(async () => {
  transformersJs = folderOf('transformers-js', await optimumModel(source), 'onnx')
  genai = folderOf('genai', await genaiModel(source))
  original = await loadModel(demo)
})
afterAll(() => original.dispose())

const displaced = () => zeroDisplacement(original.shape).map((_, i) => Math.sin(i))
const messages = [{ role: 'user', content: 'Do you worry about things?' }] as const

describe('a folder with an ONNX model', () => {
  it.each([
    ['as transformers.js reads it', () => transformersJs],
    ['as ONNX Runtime GenAI reads it', () => genai],
  ])('gives logits, z, scores and text of the safetensors it was exported from, %s', async (_, folder) => {
    const model = await loadModel(folder())
    try {
      expect(model.shape).toEqual(original.shape)
      expect(model.fingerprint).not.toBe(original.fingerprint)
      const tokens = await model.render(messages)
      for (const displacement of [undefined, displaced()]) {
        const [found, expected] = await Promise.all([model, original].map((each) => each.logits({ tokens, displacement })))
        expect(distance(found!, expected!)).toBeLessThan(LOGIT_TOLERANCE)
      }
      const requests = [
        { tokens, continuations: [[5], [6]] },
        { tokens: tokens.slice(0, 4), continuations: [[7]] },
      ]
      const [scores, wanted] = await Promise.all([model, original].map((each) => each.score(requests)))
      for (const i of [0, 1]) expect(distance(scores![i]!, wanted![i]!)).toBeLessThan(LOGIT_TOLERANCE)
      const [z, expected] = await Promise.all([model, original].map((each) => each.record([{ tokens }])))
      expect(distance(z!, expected!)).toBeLessThan(LOGIT_TOLERANCE)
    } finally {
      await model.dispose()
    }
  })

  it('has a fingerprint over its data file', async () => {
    const other = folderOf('genai-changed', await genaiModel(source))
    const bytes = readFileSync(join(other, 'model.onnx.data'))
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(join(other, 'model.onnx.data'), bytes)
    const models = await Promise.all([genai, other].map((folder) => loadModel(folder)))
    expect(models[0]!.fingerprint).not.toBe(models[1]!.fingerprint)
    await Promise.all(models.map((model) => model.dispose()))
  })

  it('is left as it was by loading', async () => {
    const before = readFileSync(join(genai, 'model.onnx'))
    await (await loadModel(genai)).dispose()
    expect(readFileSync(join(genai, 'model.onnx')).equals(before)).toBe(true)
    expect(readdirSync(genai).filter((name) => name.includes('onnx'))).toEqual(['model.onnx', 'model.onnx.data'])
  })

  it('of several files runs the one that is named, and none where it is not clear', async () => {
    const file = (await optimumModel(source)).files.get('model.onnx')!
    const folder = folderOf(
      'several',
      {
        name: '',
        files: new Map([
          ['model_fp16.onnx', file],
          ['model_q4.onnx', file],
        ]),
      },
      'onnx',
    )
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('onnx/model_fp16.onnx, onnx/model_q4.onnx'),
    })
    await expect(loadModel(folder, { onnxFile: 'model_q8.onnx' })).rejects.toMatchObject({ code: 'not-found' })
    const [byOption, byPath] = [
      await loadModel(folder, { onnxFile: 'model_q4.onnx' }),
      await loadModel(join(folder, 'onnx/model_q4.onnx')),
    ]
    expect(byOption.fingerprint).toBe(byPath.fingerprint)
    await Promise.all([byOption.dispose(), byPath.dispose()])
  })

  it('takes no adapter, no other precision and no other device', async () => {
    await expect(loadModel(transformersJs, { dtype: 'q8' })).rejects.toThrow('has no .safetensors file, only onnx/model.onnx')
    await expect(loadModel(join(genai, 'model.onnx'), { dtype: 'q8' })).rejects.toThrow('which runs as it is')
    await expect(loadModel(transformersJs, { device: 'cuda' })).rejects.toThrow(/cuda/)
    const model = await loadModel(transformersJs)
    const adapter = { rank: 1, alpha: 1, targets: ['q_proj'], pairs: new Map() } as const
    await expect(model.logits({ tokens: [1], adapter: adapter as never })).rejects.toThrow(/adapter/)
    await model.dispose()
  })

  it('is refused where a link to its data leaves the folder (S-16)', async () => {
    const folder = folderOf('linked', await genaiModel(source))
    rmSync(join(folder, 'model.onnx.data'))
    symlinkSync(join(genai, 'model.onnx.data'), join(folder, 'model.onnx.data'))
    await expect(loadModel(folder)).rejects.toMatchObject({
      code: 'malformed-file',
      message: expect.stringContaining('leaves the folder'),
    })
  })

  it('is refused where its data file ends too early or is missing', async () => {
    const folder = folderOf('short', await genaiModel(source))
    const bytes = readFileSync(join(folder, 'model.onnx.data'))
    writeFileSync(join(folder, 'model.onnx.data'), bytes.subarray(0, -1))
    await expect(loadModel(folder)).rejects.toMatchObject({ code: 'malformed-file' })
    rmSync(join(folder, 'model.onnx.data'))
    await expect(loadModel(folder)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is inspected: the plan of the surgery, layer by layer', () => {
    const { kind, onnx } = JSON.parse(
      execFileSync('node', ['dist/cli/main.js', 'inspect', transformersJs, '--json'], { encoding: 'utf8' }),
    )
    expect(kind).toBe('model')
    expect(onnx.file).toBe('onnx/model.onnx')
    expect(onnx.layers).toHaveLength(original.shape.layers)
    expect(onnx.layers[0].evidence[0]).toMatchObject({ role: 'attention', operator: 'Softmax' })
  })

  it('is aligned on the command line, and the persona steers it', () => {
    const respondents = simulateRespondents({ count: 1, seed: 8, questionnaire: IPIP_NEO_300 }).map(({ answers, age }) => ({
      sex: 'female',
      age,
      answers: Object.fromEntries(answers.byItem),
    }))
    const people = join(scratch, 'people.json')
    writeFileSync(people, JSON.stringify({ questionnaire: 'ipip-neo-300', coding: 'worded', respondents }))
    const persona = join(scratch, 'me.safetensors')
    const palign = (...args: readonly string[]) => spawnSync('node', ['dist/cli/main.js', ...args], { encoding: 'utf8' })
    const file = join(transformersJs, 'onnx/model.onnx')
    const aligned = palign('align', '-m', file, '-d', people, '-o', persona, '--json')
    expect([aligned.status, aligned.stderr]).toEqual([0, expect.any(String)])
    const said = palign('generate', 'hello', '-m', transformersJs, '-p', persona, '--alpha', '2', '--max-tokens', '4', '--json')
    expect(JSON.parse(said.stdout)).toMatchObject({ kind: 'finish', steered: true })
  }, 60_000)

  it('generates on the command line', () => {
    const { status, stdout } = spawnSync(
      'node',
      ['dist/cli/main.js', 'generate', 'hello', '-m', genai, '--max-tokens', '4', '--json'],
      { encoding: 'utf8' },
    )
    expect([status, JSON.parse(stdout).kind]).toEqual([0, 'finish'])
  })
})
