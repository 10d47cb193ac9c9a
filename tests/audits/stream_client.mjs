// What the graphql-sse client, in its distinct connections mode, makes of the server: {scenario: what happened}.
import { createClient } from 'graphql-sse'

const { url, token, expired, workspaceId } = JSON.parse(process.argv[2])

const CHANGES = `subscription ($workspaceId: ID!) {
  recommendationChanges(workspaceId: $workspaceId) { __typename ... on StreamMessage { sequence } } }`

function connect(options = {}) {
  return createClient({ url, headers: { authorization: `Bearer ${token}` }, retryAttempts: 0, ...options })
}

/** The results of an operation until it is over, or `most` of them; and how it ended. */
function run(client, payload, most = Infinity) {
  return new Promise((resolve) => {
    const results = []
    const dispose = client.subscribe(payload, {
      next: (result) => {
        results.push(result)
        if (results.length >= most) dispose()
      },
      complete: () => resolve({ results, completed: true }),
      error: (error) => resolve({ results, status: error.response?.status ?? String(error) }),
    })
  })
}

const scenarios = {
  query: () => run(connect(), { query: '{ __typename }' }),
  subscription: () => run(connect(), { query: CHANGES, variables: { workspaceId } }, 1),
  syntax: () => run(connect(), { query: '{' }),
  unknown: () => run(connect(), { query: '{ nothing }' }),
  wrongToken: () => run(connect({ headers: { authorization: 'Bearer wrong' } }), { query: '{ __typename }' }),
  async expiredThenFresh() {
    let asked = 0
    const headers = () => ({ authorization: `Bearer ${asked++ === 0 ? expired : token}` })
    const found = await run(connect({ headers, retryAttempts: 3, retry: () => Promise.resolve() }), { query: '{ __typename }' })
    return { ...found, asked }
  },
}

const found = {}
for (const [name, scenario] of Object.entries(scenarios)) found[name] = await scenario()
console.log(JSON.stringify(found))
process.exit(0)
