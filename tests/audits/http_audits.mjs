// Runs every server audit of graphql-http against a server: [{id, name, status, reason}].
import { serverAudits } from 'graphql-http'

const { url, token } = JSON.parse(process.argv[2])

function fetchFn(address, init = {}) {
  const headers = new Headers(init.headers)
  headers.set('authorization', `Bearer ${token}`)
  return fetch(address, { ...init, headers })
}

const results = []
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn()
  results.push({ id, name, status, reason })
}
console.log(JSON.stringify(results))
