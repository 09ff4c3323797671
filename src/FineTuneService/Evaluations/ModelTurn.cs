using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Models;

namespace FineTuneService.Evaluations;

/// <summary>A model that is evaluated: its texts, and a turn with it on the device. It is looked up anew for each turn, as it may be deleted, or let go, between two.</summary>
/// <param name="count">Told of tokens that have gone through it.</param>
/// <exception cref="ModelException">Its files cannot be used, or it has no tokenizer.</exception>
internal sealed class ModelTurn(string tenant, ServedModel served, ModelTexts texts, ModelAccess access, DeviceLease lease, EncodingTurns encodings, TimeProvider clock, Action<long> count)
{
    public const string Owner = "an evaluation";

    private static readonly TimeSpan LongestEncoding = TimeSpan.FromMinutes(10), LongestWait = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromMilliseconds(100);

    private readonly AdapterText? _adapter = served.Adapter is { } entry ? texts.OfAdapter(entry.Id, entry.Folder, texts.Of(served.Folder)) : null;

    public string Tenant => tenant;
    public string Name => served.Name;
    public ModelText Text { get; } = texts.Of(served.Folder);
    public Tokenizer Tokenizer => Text.Tokenizer ?? throw new ModelException("it has no tokenizer.json.");

    /// <summary>Those that it, or its adapter, was trained with.</summary>
    public ChatTemplate? ChatTemplate => _adapter is null ? Text.ChatTemplate : _adapter.ChatTemplate;

    public PromptTemplate? PromptTemplate => _adapter is null ? Text.PromptTemplate : _adapter.PromptTemplate;

    /// <summary>Tokens that it reads at once.</summary>
    public int Longest => ResidentModels.Capacity(Text.Config);

    /// <summary>For the tenant's usage; what was begun and did not end is not counted.</summary>
    public void Count(long tokens) => count(tokens);

    /// <param name="work">On the device's thread; it disposes the use, now or later.</param>
    /// <exception cref="EvaluationRefused">There is no room for the model.</exception>
    public async Task<T> Run<T>(Func<ModelUse, T> work, CancellationToken cancel)
    {
        var asked = new AskedModel(Text, served.Precision, served.Adapter?.Id, served.Adapter?.Folder);
        (T? result, NoRoom? full) = await access.Run(asked, Owner, tenant, work, cancel);
        return full is null ? result! : throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.Full, full.Message));
    }

    /// <summary>A forward: others are served between its decoder blocks.</summary>
    /// <param name="forward">On the device's thread; given the model, and what it calls after each block.</param>
    /// <exception cref="EvaluationRefused">There is no room for the model, or, for half a minute, none for the forward's buffers.</exception>
    public async Task<T> Forward<T>(Func<ModelUse, Action, T> forward, CancellationToken cancel)
    {
        for (long began = clock.GetTimestamp(); ;)
        {
            try
            {
                return await ForwardOnce(forward, cancel);
            }
            catch (MemoryExceededException lacking) when (clock.GetElapsedTime(began) > LongestWait)
            {
                throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.Full,
                    $"An evaluation of '{Name}' needs {(lacking.Bytes >> 20) + 1} MiB more than FineTune:DeviceMemory has left; try again in a moment, or with shorter rows."));
            }
            catch (MemoryExceededException)
            {
                await Task.Delay(Pause, clock, cancel); // Answers and jobs end meanwhile.
            }
        }
    }

    private async Task<T> ForwardOnce<T>(Func<ModelUse, Action, T> forward, CancellationToken cancel) => await await Run(use =>
    {
        Task<T> done = lease.Share(Owner, () =>
        {
            using (use) return forward(use, lease.Yield);
        }, cancel, tenant);
        // What is cancelled before its turn has not let go of its model.
        _ = done.ContinueWith(_ => lease.Serve("let go", () =>
        {
            use.Dispose();
            return true;
        }), CancellationToken.None, TaskContinuationOptions.OnlyOnCanceled, TaskScheduler.Default);
        return done;
    }, cancel);

    /// <summary>Makes tokens, or compares texts, aside of the device's thread.</summary>
    public Task<T> Aside<T>(Func<T> encode, CancellationToken cancel) => encodings.Run(tenant, encode, LongestEncoding, cancel);
}
