/** @file JSON Schemas (2020-12) of what is published about the routes, made from types when a test asks for them, and checks by them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { createGenerator } from 'ts-json-schema-generator'

const CONTRACT = 'test/fixtures/openai-contract.ts'

export type Published =
  | 'ChatRequestBody'
  | 'ChatResponse'
  | 'ChatChunk'
  | 'TextRequestBody'
  | 'TextResponse'
  | 'TextChunk'
  | 'ModelResponse'
  | 'ModelListResponse'
  | 'ErrorResponse'

/** What is wrong with a value, place by place; nothing for one that conforms. */
export type Check = (kind: Published, value: unknown) => readonly string[]

/** Further fields are allowed, as the published schemas do. */
export function publishedSchemas(): Check {
  const folder = mkdtempSync(join(tmpdir(), 'palign-schemas-'))
  // Options of its own: the generator brings a TypeScript that is older than the one that builds palign.
  const tsconfig = join(folder, 'tsconfig.json')
  const compilerOptions = {
    strict: true,
    target: 'es2022',
    lib: ['es2022', 'dom'],
    module: 'nodenext',
    skipLibCheck: true,
    types: [],
  }
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions }))
  try {
    const generator = createGenerator({
      path: CONTRACT,
      tsconfig,
      skipTypeCheck: true,
      additionalProperties: true,
      topRef: false,
      jsDoc: 'none',
      encodeRefs: false,
    })
    const ajv = new Ajv2020({ strict: false, allErrors: true, discriminator: false })
    const compiled = new Map<Published, ReturnType<typeof ajv.compile>>()
    return (kind, value) => {
      let validate = compiled.get(kind)
      if (validate === undefined) {
        // Its schemas name an older draft; every keyword in them means the same in 2020-12.
        const { $schema, ...schema } = generator.createSchema(kind)
        validate = ajv.compile(schema as Readonly<Record<string, unknown>>)
        compiled.set(kind, validate)
      }
      if (validate(value)) return []
      return validate.errors!.map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
