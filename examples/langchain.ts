/**
 * @file LangChain against palign: an answer, a persona, a stream, an error.
 *
 *     palign serve --model models/respondent --personas FOLDER
 *     PALIGN_URL=http://127.0.0.1:8080/v1 PALIGN_PERSONA=me npx tsx examples/langchain.ts
 */
import { ChatOpenAI } from '@langchain/openai'
import { NotFoundError } from 'openai'

const { PALIGN_URL, PALIGN_API_KEY = 'none-is-asked-for', PALIGN_MODEL = 'respondent', PALIGN_PERSONA = 'me' } = process.env
const settings = {
  model: PALIGN_MODEL,
  apiKey: PALIGN_API_KEY,
  maxTokens: 24,
  temperature: 0,
  configuration: { baseURL: PALIGN_URL ?? null },
}
const question = 'What do you do on a free evening?'

const unsteered = await new ChatOpenAI(settings).invoke(question)
console.log('unsteered:', unsteered.text)

// A persona is part of the model's name. A strength of its own goes into the further arguments of the model.
const steered = new ChatOpenAI({ ...settings, modelKwargs: { persona: { id: PALIGN_PERSONA, alpha: 2 } } })
process.stdout.write(`${PALIGN_PERSONA}: `)
let tokens = 0
for await (const chunk of await steered.stream(question)) {
  process.stdout.write(chunk.text)
  // TypeScript 7 infers no type for this field.
  const { output_tokens } = (chunk.usage_metadata ?? {}) as { output_tokens?: number }
  if (output_tokens !== undefined) tokens = output_tokens
}
console.log(`\n${tokens} tokens`)

try {
  await new ChatOpenAI({ ...settings, model: `${PALIGN_MODEL}@nobody` }).invoke(question)
} catch (error) {
  if (!(error instanceof NotFoundError)) throw error
  console.log(`refused: ${error.code}: ${error.message}`)
}
