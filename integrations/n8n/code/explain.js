// Turns what n8n says of an error into what the service can use: a code, a sentence
// that a user may read, whether another try can help. Technical detail stays in n8n's
// list of executions.
function explain(error) {
  const text = [error?.message, error?.description, error?.cause?.message].filter(Boolean).map(String).join('\n');
  // A workflow may say it itself: throw new Error(JSON.stringify({code, message, retryable})).
  const start = text.indexOf('{"');
  if (start >= 0) {
    try {
      const own = JSON.parse(text.slice(start, text.lastIndexOf('}') + 1));
      if (own.code && own.message) return { code: own.code, message: own.message, retryable: own.retryable === true };
    } catch { /* some other braces */ }
  }
  // With a credential, the HTTP node tells the status in the text of the cause alone.
  const told = /^(\d{3}) - /.exec(error?.cause?.message ?? error?.message ?? '')?.[1];
  const status = Number(error?.status ?? error?.httpCode ?? told ?? 0);
  const said = `${text}\n${JSON.stringify(error ?? '')}`;
  const about = (pattern) => pattern.test(said);
  if (status === 400 && about(/moderation|safety|content_policy|content_filter/i)) {
    return { code: 'content_rejected', message: 'The image service refused this content.', retryable: false };
  }
  if (status === 401 || status === 403) {
    return { code: 'image_service_refused', message: 'The image service refused our access.', retryable: false };
  }
  if (status === 429) return { code: 'image_service_busy', message: 'The image service is busy.', retryable: true };
  if (status === 408 || status >= 500) {
    return { code: 'image_service_fault', message: 'The image service has a fault.', retryable: true };
  }
  if (status >= 400) {
    return { code: 'image_service_refused', message: 'The image service did not accept the request.', retryable: false };
  }
  // What the Edit Image node says where there is no gm: the first when it only looks at a
  // picture, the second when it makes one, which a gm that does not work leads to as well.
  if (about(/Could not execute GraphicsMagick|Stream yields empty buffer/i)) {
    return {
      code: 'graphicsmagick_missing', retryable: false,
      message: 'GraphicsMagick is not installed where n8n runs, or does not work there. Please tell the operator.',
    };
  }
  if (about(/ECONN|ETIMEDOUT|ESOCKET|EAI_AGAIN|ENOTFOUND|EPIPE|socket hang up|network|timed? ?out/i)) {
    return { code: 'image_service_unreachable', message: 'The image service could not be reached.', retryable: true };
  }
  if (about(/crash|out of memory|task runner|heap/i)) {
    return { code: 'engine_crashed', message: 'The picture service was interrupted.', retryable: true };
  }
  return { code: 'workflow_failed', message: 'The picture could not be made because of a fault in the workflow.', retryable: false };
}

function failure(row, why) {
  return {
    generationId: row.generationId, jobId: row.jobId, status: 'failure',
    stage: why.code === 'content_rejected' ? 'content_rejected' : row.stage, error: why,
  };
}
