using System.Diagnostics;
using System.Text;
using FineTuneService.Device;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Evaluations;

/// <param name="Seconds">From the prompt to the last token.</param>
internal sealed record MadeAnswer(string Text, int Tokens, double Seconds, FinishReason Finish);

/// <param name="Seconds">From the first prompt to the last token.</param>
/// <param name="PeakBytes">Weights, adapter, keys and values of the answers under way at once, and buffers.</param>
internal sealed record MadeAnswers(IReadOnlyList<MadeAnswer> Each, double Seconds, long PeakBytes);

/// <summary>Answers prompts with one model in the batch that serves everybody, some at a time: the tenant's own chat goes on between.</summary>
/// <param name="atOnce">Answers that are asked for together.</param>
internal sealed class AnswerRun(ModelTurn turn, DeviceLease lease, int atOnce)
{
    /// <summary>The prompt's last tokens, so that an answer has room in the context.</summary>
    public static int[] Fit(int[] prompt, int longest, int answer) => prompt[^Math.Min(prompt.Length, Math.Max(1, longest - answer))..];

    /// <param name="prompts">Each at least a token, and fewer than the model reads.</param>
    public async Task<MadeAnswers> Run(IReadOnlyList<int[]> prompts, SamplingParameters parameters, CancellationToken cancel)
    {
        var made = new MadeAnswer[prompts.Count];
        long started = Stopwatch.GetTimestamp(), peak = 0;
        for (int first = 0; first < prompts.Count; first += atOnce)
        {
            int[] group = [.. Enumerable.Range(first, Math.Min(atOnce, prompts.Count - first))];
            peak = Math.Max(peak, await Together(group, prompts, parameters, made, cancel));
        }
        return new MadeAnswers(made, Stopwatch.GetElapsedTime(started).TotalSeconds, peak);
    }

    /// <returns>Bytes that they held at most.</returns>
    private async Task<long> Together(int[] group, IReadOnlyList<int[]> prompts, SamplingParameters parameters, MadeAnswer[] made, CancellationToken cancel)
    {
        Task<long> done = await turn.Run(use =>
        {
            Generator generator = use.Model.Generator;
            var requests = new List<GenerationRequest>();
            CancellationTokenRegistration left = default;
            var ended = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            long weights = use.Model.Base.Bytes + (use.Adapter?.Adapter.Bytes ?? 0), caches = 0;
            int open = group.Length;
            foreach (int number in group) requests.Add(Row(number, use.Adapter?.Adapter, Ended));
            requests.ForEach(generator.Add);
            left = cancel.Register(() => _ = lease.Serve("cancel", () =>
            {
                requests.ForEach(generator.Cancel);
                return true;
            }));
            return ended.Task;

            void Ended(int length)
            {
                caches += Generator.CacheBytes(use.Model.Base.Config, use.Model.Base.Precision, length);
                if (--open > 0) return;
                long bytes = weights + caches + generator.BufferBytes;
                left.Dispose();
                use.Dispose();
                ended.SetResult(bytes);
            }
        }, cancel);
        long peak = await done;
        cancel.ThrowIfCancellationRequested();
        return peak;

        GenerationRequest Row(int number, Engine.Lora.Adapter? adapter, Action<int> ended)
        {
            var text = new StringBuilder();
            long started = Stopwatch.GetTimestamp();
            int tokens = 0;
            return new GenerationRequest
            {
                Prompt = prompts[number],
                Adapter = adapter,
                Turn = turn.Tenant,
                Parameters = parameters with { Seed = RowSeed.Of(parameters.Seed, prompts[number], 0, 0) },
                OnStarted = () => started = Stopwatch.GetTimestamp(),
                OnToken = token =>
                {
                    tokens++;
                    text.Append(token.Text);
                },
                OnFinished = reason =>
                {
                    made[number] = new MadeAnswer(text.ToString(), tokens, Stopwatch.GetElapsedTime(started).TotalSeconds, reason);
                    turn.Count(prompts[number].Length + tokens);
                    ended(prompts[number].Length + tokens);
                },
            };
        }
    }
}
