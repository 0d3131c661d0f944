// The `fetch` examples of the service's published documentation (its page session.md), each as it
// stands there under the heading of its operation. Tests put in a host, a token and IDs, no more.

// GET /user/session
fetch('https://alekeagle.me/api/session', {
  method: 'GET',
  credentials: 'include',
  headers: {
    Authorization: 'token'
  }
});

// GET /user/session/:id
fetch('https://alekeagle.me/api/session/1234567890', {
  method: 'GET',
  credentials: 'include',
  headers: {
    Authorization: 'token'
  }
});

// POST /user/session
fetch('https://alekeagle.me/api/session', {
  method: 'POST',
  credentials: 'include',
  headers: {
    'Content-Type': 'application/json'
  },
  body: JSON.stringify({ user: 'joe', pass: 'joe', rememberMe: true })
});

// GET /user/sessions
fetch('https://alekeagle.me/api/session', {
  method: 'GET',
  credentials: 'include',
  headers: {
    Authorization: 'token'
  }
});

// DELETE /user/session/:id
fetch('https://alekeagle.me/api/session/sid', {
  method: 'DELETE',
  credentials: 'include',
  headers: {
    Authorization: 'token'
  }
});

// DELETE /user/sessions
fetch('https://alekeagle.me/api/sessions', {
  credentials: 'include',
  method: 'DELETE',
  headers: {
    'Authorization': 'token',
    'Content-Type': 'application/json'
  },
  body: JSON.stringify({ sessions: ['sid1', 'sid2'] })
});

// DELETE /user/sessions/all
fetch('https://alekeagle.me/api/sessions/all?allbutSelf=true', {
  method: 'DELETE',
  credentials: 'include',
  headers: {
    Authorization: 'token'
  }
});
