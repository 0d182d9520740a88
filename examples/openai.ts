/**
 * @file The package `openai` against palign: an answer, a persona, a stream, an error.
 *
 *     palign serve --model models/respondent --personas FOLDER
 *     PALIGN_URL=http://127.0.0.1:8080/v1 PALIGN_PERSONA=me npx tsx examples/openai.ts
 */
import OpenAI from 'openai'

const { PALIGN_URL, PALIGN_API_KEY = 'none-is-asked-for', PALIGN_MODEL = 'respondent', PALIGN_PERSONA = 'me' } = process.env
const openai = new OpenAI({ baseURL: PALIGN_URL, apiKey: PALIGN_API_KEY })
const messages = [{ role: 'user' as const, content: 'What do you do on a free evening?' }]

const unsteered = await openai.chat.completions.create({
  model: PALIGN_MODEL,
  messages,
  max_completion_tokens: 24,
  temperature: 0,
})
console.log('unsteered:', unsteered.choices[0]?.message.content)

// A persona is part of the model's name. A strength of its own goes into a field that the package passes on.
const persona = { id: PALIGN_PERSONA, alpha: 2 }
const steered = { model: PALIGN_MODEL, messages, max_completion_tokens: 24, temperature: 0, persona }
const stream = await openai.chat.completions.create({ ...steered, stream: true, stream_options: { include_usage: true } })
process.stdout.write(`${PALIGN_PERSONA}: `)
for await (const { choices, usage } of stream) {
  process.stdout.write(choices[0]?.delta.content ?? '')
  if (usage) console.log(`\n${usage.completion_tokens} tokens`)
}

try {
  await openai.chat.completions.create({ model: `${PALIGN_MODEL}@nobody`, messages })
} catch (error) {
  if (!(error instanceof OpenAI.NotFoundError)) throw error
  console.log(`refused: ${error.code}: ${error.message}`)
}
