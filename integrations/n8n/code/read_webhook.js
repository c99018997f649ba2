// The signature is over the bytes as they came, so the body is taken raw.
const { settings, headers } = $input.first().json;
const body = Buffer.from($input.first().binary.data.data, 'base64').toString('utf8');
const job = JSON.parse(body);
const signature = {
  content: `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`,
  given: String(headers['webhook-signature'] ?? '').split(' '),
  // A message that was recorded cannot be played back later.
  fresh: Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < 300,
};
