// One report, however many pictures have failed.
const { job, stage, settings } = $('Read job').first().json;
const error = $input.first().json.error;
const why = explain(typeof error === 'string' ? { ...$input.first().json, message: error } : error);
return [{
  json: {
    callback: job.callback,
    proof: settings.proof,
    report: failure({ generationId: job.generationId, jobId: job.jobId, stage }, why),
  },
}];
