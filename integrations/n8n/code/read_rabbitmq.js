// The body stays text until here: were the trigger to parse it, a message that is no
// JSON would be stuck in the trigger for good. Here it fails this one execution.
const { settings, ...message } = $input.first().json;
const job = JSON.parse(message.content);
