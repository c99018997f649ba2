for (const name of ['jobId', 'generationId', 'jobType', 'callback']) {
  if (!job[name]) throw new Error(`The message is no job of aigen: it has no ${name}.`);
}
return [{
  json: {
    executionId: $execution.id,
    job,
    settings,
    stage: job.jobType === 'final_generation' ? 'final_asset_generated' : 'samples_generated',
    ...(typeof signature === 'undefined' ? {} : { signature }),
  },
}];
