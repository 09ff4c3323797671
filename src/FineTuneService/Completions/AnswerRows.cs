using System.Threading.Channels;
using FineTuneService.Device;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Generation.Schemas;

namespace FineTuneService.Completions;

/// <summary>A request's prompts, ready for the device.</summary>
/// <param name="Tokens">Of each prompt.</param>
/// <param name="Texts">Of each prompt; empty where nobody asks for them.</param>
/// <param name="Seeds">Of each row, prompt by prompt.</param>
/// <param name="Schema">What the answers are held to, or null.</param>
/// <param name="BytesOf">A token's text in UTF-8; nothing for a special token.</param>
internal sealed record ReadyPrompts(IReadOnlyList<int[]> Tokens, IReadOnlyList<string> Texts, ulong[] Seeds, OutputSchema? Schema, Func<int, byte[]> BytesOf)
{
    /// <summary>Texts that end an answer, beside those that the request names.</summary>
    public IReadOnlyList<string> Ends { get; init; } = [];
}

/// <summary>A request's rows in the batch, n for each prompt, and what becomes of the request when the last of them has ended.</summary>
/// <param name="left">The request is no longer under way, and has taken so many tokens. Called once.</param>
/// <param name="cancel">The client has gone.</param>
internal sealed class AnswerRows(string tenant, AnswerPlan plan, AnswerTrace trace, Action<Usage?> left, CancellationToken cancel)
{
    private readonly IReadOnlyList<SamplingParameters> _choices = plan.Choices;

    public string Tenant => tenant;
    public AnswerPlan Plan => plan;
    public CancellationToken Cancel => cancel;

    /// <summary>Tokens that an answer must have room for.</summary>
    public int LeastTokens => Math.Max(1, _choices[0].MaxTokens);

    /// <summary>The highest token id that logit_bias names, or null.</summary>
    public int? HighestBiased => _choices[0].LogitBias.Keys.Select(id => (int?)id).Max();

    /// <summary>It was refused, or something failed before it began.</summary>
    /// <param name="error">Which of few reasons, for the metrics.</param>
    public void Left(string error)
    {
        trace.Failed(error);
        trace.Dispose();
        left(null);
    }

    /// <summary>A seed for each row, prompt by prompt. It reads every prompt, so it is not for the device's thread.</summary>
    public ulong[] Seeds(IReadOnlyList<int[]> prompts) =>
        [.. Enumerable.Range(0, prompts.Count).SelectMany(i =>
        {
            int repeat = prompts.Take(i).Count(prompts[i].SequenceEqual);
            return _choices.Select((choice, number) => RowSeed.Of(choice.Seed, prompts[i], repeat, number));
        })];

    /// <summary>Adds the rows to the model's batch. On the device's thread, as are the calls that follow from it.</summary>
    /// <param name="use">Given back when the last row has ended.</param>
    public Answer Join(ModelUse use, ReadyPrompts ready, DeviceLease lease)
    {
        (IReadOnlyList<int[]> prompts, ulong[] seeds) = (ready.Tokens, ready.Seeds);
        trace.LeaseGranted();
        Generator generator = use.Model.Generator;
        var pieces = Channel.CreateUnbounded<AnswerPiece>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var requests = new List<GenerationRequest>();
        void Stop() => _ = lease.Serve("cancel", () =>
        {
            requests.ForEach(generator.Cancel);
            return true;
        });
        var answer = new Answer(prompts.Sum(prompt => prompt.Length), pieces.Reader, Stop)
        {
            BytesOf = ready.BytesOf,
            PromptLengths = [.. seeds.Select((_, i) => ready.Texts.Count == 0 ? 0 : ready.Texts[i / _choices.Count].Length)],
        };
        int open = seeds.Length;
        for (int i = 0; i < seeds.Length; i++) requests.Add(Row(i, prompts[i / _choices.Count], _choices[i % _choices.Count]));
        for (int i = 0; plan.Echo && i < seeds.Length; i++)
            pieces.Writer.TryWrite(new AnswerPiece(i, ready.Texts[i / _choices.Count], null, _choices[0].TopLogProbabilities is null ? null : new GeneratedToken(prompts[i / _choices.Count][0], "")));
        requests.ForEach(generator.Add);
        cancel.Register(Stop);
        return answer;

        GenerationRequest Row(int number, int[] prompt, SamplingParameters drawn) => new()
        {
            Prompt = prompt,
            Adapter = use.Adapter?.Adapter,
            Turn = tenant,
            Parameters = drawn with
            {
                Seed = seeds[number],
                MaxTokens = drawn.MaxTokens < 0 ? generator.Capacity - prompt.Length : drawn.MaxTokens,
                Schema = ready.Schema,
                Stop = [.. drawn.Stop, .. ready.Ends],
            },
            OnStarted = number == 0 ? trace.PrefillStarted : null,
            OnPromptToken = plan.Echo && drawn.TopLogProbabilities is not null ? token => pieces.Writer.TryWrite(new AnswerPiece(number, "", null, token)) : null,
            OnToken = token =>
            {
                trace.TokenDrawn();
                answer.CountToken();
                bool scored = token.LogProbability is not null;
                if (token.Text.Length > 0 || scored) pieces.Writer.TryWrite(new AnswerPiece(number, token.Text, null, scored ? token : null));
            },
            OnFinished = reason =>
            {
                pieces.Writer.TryWrite(new AnswerPiece(number, "", reason));
                if (--open > 0) return;
                left(answer.Usage); // Its tokens are counted before its client has the end of it.
                pieces.Writer.Complete();
                use.Dispose();
                trace.Finished(answer.Usage, reason);
            },
        };
    }
}
