import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests that open the runtime themselves: nothing may be reported.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    setupFiles: ['test/setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores: native sessions in parallel files would only fight for them.
    maxWorkers: 2,
  },
})
