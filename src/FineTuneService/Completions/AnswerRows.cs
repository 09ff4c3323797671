using System.Threading.Channels;
using FineTuneService.Device;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Completions;

/// <summary>A request's rows in the batch, n for each prompt, and what becomes of the request when the last of them has ended.</summary>
/// <param name="left">The request is no longer under way. Called once.</param>
/// <param name="cancel">The client has gone.</param>
internal sealed class AnswerRows(string tenant, IReadOnlyList<SamplingParameters> choices, AnswerTrace trace, Action left, CancellationToken cancel)
{
    public string Tenant => tenant;
    public CancellationToken Cancel => cancel;

    /// <summary>Tokens that an answer must have room for.</summary>
    public int LeastTokens => Math.Max(1, choices[0].MaxTokens);

    /// <summary>The highest token id that logit_bias names, or null.</summary>
    public int? HighestBiased => choices[0].LogitBias.Keys.Select(id => (int?)id).Max();

    /// <summary>It was refused, or something failed before it began.</summary>
    /// <param name="error">Which of few reasons, for the metrics.</param>
    public void Left(string error)
    {
        trace.Failed(error);
        trace.Dispose();
        left();
    }

    /// <summary>A seed for each row, prompt by prompt. It reads every prompt, so it is not for the device's thread.</summary>
    public ulong[] Seeds(IReadOnlyList<int[]> prompts) =>
        [.. Enumerable.Range(0, prompts.Count).SelectMany(i =>
        {
            int repeat = prompts.Take(i).Count(prompts[i].SequenceEqual);
            return choices.Select((choice, number) => RowSeed.Of(choice.Seed, prompts[i], repeat, number));
        })];

    /// <summary>Adds the rows to the model's batch. On the device's thread, as are the calls that follow from it.</summary>
    /// <param name="use">Given back when the last row has ended.</param>
    public Answer Join(ModelUse use, IReadOnlyList<int[]> prompts, ulong[] seeds, DeviceLease lease)
    {
        trace.LeaseGranted();
        Generator generator = use.Model.Generator;
        var pieces = Channel.CreateUnbounded<AnswerPiece>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var requests = new List<GenerationRequest>();
        void Stop() => _ = lease.Serve("cancel", () =>
        {
            requests.ForEach(generator.Cancel);
            return true;
        });
        var answer = new Answer(prompts.Sum(prompt => prompt.Length), pieces.Reader, Stop);
        int open = seeds.Length;
        for (int i = 0; i < seeds.Length; i++) requests.Add(Row(i, prompts[i / choices.Count], choices[i % choices.Count]));
        requests.ForEach(generator.Add);
        cancel.Register(Stop);
        return answer;

        GenerationRequest Row(int number, int[] prompt, SamplingParameters drawn) => new()
        {
            Prompt = prompt,
            Adapter = use.Adapter?.Adapter,
            Turn = tenant,
            Parameters = drawn with { Seed = seeds[number], MaxTokens = drawn.MaxTokens == 0 ? generator.Capacity - prompt.Length : drawn.MaxTokens },
            OnStarted = number == 0 ? trace.PrefillStarted : null,
            OnToken = (_, text) =>
            {
                trace.TokenDrawn();
                answer.CountToken();
                if (text.Length > 0) pieces.Writer.TryWrite(new AnswerPiece(number, text, null));
            },
            OnFinished = reason =>
            {
                pieces.Writer.TryWrite(new AnswerPiece(number, "", reason));
                if (--open > 0) return;
                pieces.Writer.Complete();
                use.Dispose();
                trace.Finished(answer.Usage, reason);
                left();
            },
        };
    }
}
