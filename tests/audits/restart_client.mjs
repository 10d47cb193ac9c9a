// A graphql-ws client that follows while its server is restarted: [what it heard, in order].
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

const { url, token, workspaceId } = JSON.parse(process.argv[2])

const CHANGES = `subscription ($workspaceId: ID!, $after: Cursor) {
  recommendationChanges(workspaceId: $workspaceId, after: $after) { __typename ... on StreamMessage { sequence cursor } } }`

const heard = []
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}` },
  retryAttempts: Infinity,
  // What the client itself would try again after; it does so for every code that is not fatal to it.
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
  // The server may be away for a moment, which is no close code at all.
  shouldRetry: () => true,
  on: { closed: (event) => event.code !== 1006 && heard.push(`closed ${event.code}`) },
})
const variables = { workspaceId }
let changes = 0
client.subscribe(
  { query: CHANGES, variables },
  {
    next: ({ data }) => {
      const { __typename, sequence, cursor } = data.recommendationChanges
      // The client sends the same object again when it comes back: so it resumes where it left off.
      variables.after = cursor
      // A second stream tells the test that the first has begun; afterwards only changes are of interest.
      if (!heard.length) client.subscribe({ query: CHANGES, variables: { workspaceId } }, { next() {}, error() {}, complete() {} })
      if (!heard.length || __typename !== 'Watermark') heard.push(`${__typename} ${sequence}`)
      if (__typename === 'RecommendationChanged' && (changes += 1) === 2) {
        console.log(JSON.stringify(heard))
        process.exit(0)
      }
    },
    error: (error) => {
      console.error(error)
      process.exit(1)
    },
    complete: () => process.exit(1),
  },
)
