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
        public const string FinishReasons = "gen_ai.response.finish_reasons";
    }

    public static readonly Histogram<double> StepSeconds = Meter.CreateHistogram<double>("finetune.step.duration", "s", "Duration of an optimizer step");
    public static readonly Counter<long> TrainedTokens = Meter.CreateCounter<long>("finetune.training.tokens", "{token}", "Trained tokens");
    public static readonly Counter<long> Jobs = Meter.CreateCounter<long>("finetune.jobs", "{job}", "Jobs that have ended, by status");
    public static readonly Histogram<double> LeaseWaitSeconds = Meter.CreateHistogram<double>("finetune.lease.wait", "s", "Wait of a request for the device");
    public static readonly Histogram<double> RequestSeconds = Meter.CreateHistogram<double>("gen_ai.server.request.duration", "s", "Duration of an answer");
    public static readonly Histogram<double> FirstTokenSeconds = Meter.CreateHistogram<double>("gen_ai.server.time_to_first_token", "s", "Time to an answer's first token");
    public static readonly Counter<long> AdapterLoads = Meter.CreateCounter<long>("finetune.adapter.loads", "{load}", "Adapters read from disk to be served");
}
