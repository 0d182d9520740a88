/** @file What people ask assistants about everyday things; nothing about anybody's ways. */

export const NEUTRAL_PROMPTS: readonly string[] = [
  'What is the capital of Portugal?',
  'How many minutes are there in a day?',
  'Write a sentence about a bridge.',
  'Which metal is liquid at room temperature?',
  'Explain how a bicycle pump works.',
  'List three kinds of trees.',
  'What does the word "harbour" mean?',
  'How is bread made?',
  'Name a river in Africa.',
  'What is twelve times eleven?',
  'Why does ice float on water?',
  'Describe the shape of a violin.',
  'When did people first land on the moon?',
  'How do I convert miles to kilometres?',
  'What is a noun?',
  'Which planets have rings?',
  'How long should rice be boiled?',
  'What is the boiling point of water?',
  'Translate "good morning" into French.',
  'What is the difference between weather and climate?',
]
