using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace FineTuneService.Hosting;

/// <summary>Every name that traces and metrics use. gen_ai.*: OpenTelemetry's conventions for generative AI; finetune.*: ours.</summary>
public static class Telemetry
{
    public const string Name = "FineTuneService";

    public static readonly ActivitySource Source = new(Name);
    public static readonly Meter Meter = new(Name);

    public static class Spans
    {
        public const string Queue = "finetune.queue";
        public const string Job = "finetune.job";
        public const string Claim = "finetune.claim";
        public const string Step = "finetune.step";
        public const string Save = "finetune.save";
        public const string Evaluate = "finetune.evaluate";
        public const string LeaseWait = "finetune.lease_wait";
        public const string Adapter = "finetune.adapter";
        public const string Prefill = "gen_ai.prefill";
        public const string Decode = "gen_ai.decode";
    }

    public static class Keys
    {
        public const string JobId = "finetune.job.id";
        public const string JobStatus = "finetune.job.status";
        public const string Tenant = "finetune.tenant";
        public const string Step = "finetune.step";
        public const string Loss = "finetune.loss";
        public const string Rank = "finetune.lora.rank";
        public const string Operation = "gen_ai.operation.name";
        public const string Provider = "gen_ai.provider.name";
        public const string RequestModel = "gen_ai.request.model";
        public const string MaxTokens = "gen_ai.request.max_tokens";
        public const string InputTokens = "gen_ai.usage.input_tokens";
        public const string OutputTokens = "gen_ai.usage.output_tokens";
        public const string TokenType = "gen_ai.token.type";
        public const string FinishReasons = "gen_ai.response.finish_reasons";
        public const string ErrorType = "error.type";
    }

    public static readonly Histogram<double> StepSeconds = Seconds("finetune.step.duration", "Duration of an optimizer step", Buckets.Work);
    public static readonly Counter<long> TrainedTokens = Meter.CreateCounter<long>("finetune.training.tokens", "{token}", "Trained tokens");
    public static readonly Counter<long> Jobs = Meter.CreateCounter<long>("finetune.jobs", "{job}", "Jobs that have ended, by status");
    public static readonly Histogram<double> JobSeconds = Seconds("finetune.job.duration", "From a job's creation to its end, by status", Buckets.Jobs);
    public static readonly Histogram<double> QueueWaitSeconds = Seconds("finetune.queue.wait", "From a job's creation to its first step's preparation", Buckets.Jobs);
    public static readonly Histogram<double> SaveSeconds = Seconds("finetune.save.duration", "Duration of writing what was trained to the disk", Buckets.Work);
    public static readonly Histogram<double> LeaseWaitSeconds = Seconds("finetune.lease.wait", "Wait of a request for the device", Buckets.Waits);
    public static readonly Histogram<double> RequestSeconds = Seconds("gen_ai.server.request.duration", "Duration of an answer", Buckets.Work);
    public static readonly Histogram<double> FirstTokenSeconds = Seconds("gen_ai.server.time_to_first_token", "Time to an answer's first token", Buckets.FirstToken);
    public static readonly Histogram<double> TokenSeconds = Seconds("gen_ai.server.time_per_output_token", "Time of each token after the first", Buckets.NextToken);
    public static readonly Counter<long> ServedTokens = Meter.CreateCounter<long>("finetune.served.tokens", "{token}", "Tokens of prompts and answers, by type");
    public static readonly Counter<long> AdapterLoads = Meter.CreateCounter<long>("finetune.adapter.loads", "{load}", "Adapters read from disk to be served");

    public static readonly Counter<long> AdapterEvictions = Meter.CreateCounter<long>("finetune.adapter.evictions", "{eviction}", "Adapters that were let go of");
    public static readonly Gauge<double> TrainingLoss = Meter.CreateGauge<double>("finetune.training.loss", "1", "Loss of the last optimizer step");

    private static Histogram<double> Seconds(string name, string description, double[] buckets) =>
        Meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });

    /// <summary>
    /// Seconds. OpenTelemetry's own bounds (0, 5, 10 …) are made for milliseconds: every answer would fall into the first. These are
    /// the ones that its conventions advise for gen_ai.server.*, and their like for what is ours.
    /// </summary>
    private static class Buckets
    {
        public static readonly double[] Work = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
        public static readonly double[] FirstToken = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
        public static readonly double[] NextToken = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
        public static readonly double[] Waits = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
        public static readonly double[] Jobs = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400];
    }
}
