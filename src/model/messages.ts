/** @file Chat messages, as chat templates know them. */

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}
