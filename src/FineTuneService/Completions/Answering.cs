using System.Threading.Channels;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.Extensions.Options;

namespace FineTuneService.Completions;

/// <summary>Brings requests to the device: the prompt is made, the model and adapter found, and the rows join its batch.</summary>
internal sealed class Answering(DeviceLease lease, ResidentModels resident, IOptions<FineTuneOptions> options)
{
    public const string Chat = "chat";
    public const string TextCompletion = "text_completion";

    private int _underWay;

    /// <summary>Begins an answer.</summary>
    /// <param name="operation">One of the two above, as OpenTelemetry names them.</param>
    /// <param name="prompts">Makes each prompt's tokens.</param>
    /// <param name="choices">How each prompt's n answers are drawn; MaxTokens 0 takes what the context leaves.</param>
    /// <param name="cancel">The client has gone: its rows leave the batch.</param>
    public async Task<(Answer?, AnswerRefusal?)> Begin(
        string operation, ServedModel served, Func<PromptEncoder, IReadOnlyList<int[]>> prompts, IReadOnlyList<SamplingParameters> choices, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _underWay) > options.Value.MaxWaitingRequests)
        {
            Interlocked.Decrement(ref _underWay);
            return (null, new AnswerRefusal(RefusalKind.Full, "The service is full; try again in a moment."));
        }
        var trace = new AnswerTrace(operation, served.Name, choices[0].MaxTokens);
        try
        {
            (Answer? answer, AnswerRefusal? refusal) = await lease.Serve("serve", () => Admit(operation, served, prompts, choices, trace, cancel), cancel);
            if (refusal is not null) Left(trace);
            return (answer, refusal);
        }
        catch
        {
            Left(trace);
            throw;
        }
    }

    private (Answer?, AnswerRefusal?) Admit(
        string operation, ServedModel served, Func<PromptEncoder, IReadOnlyList<int[]>> prompts, IReadOnlyList<SamplingParameters> choices, AnswerTrace trace,
        CancellationToken cancel)
    {
        trace.LeaseGranted();
        try
        {
            ResidentModel model = resident.Model(served.Folder, served.Precision);
            ResidentAdapter? adapter = served.Adapter is { } entry ? resident.Adapter(entry.Id, entry.Folder, model) : null;
            var encoder = adapter is null
                ? new PromptEncoder(model.Base.Tokenizer, model.Base.ChatTemplate, model.PromptTemplate)
                : new PromptEncoder(model.Base.Tokenizer, adapter.ChatTemplate, adapter.PromptTemplate);
            if (operation == Chat && !encoder.CanChat) return (null, NoTemplate(served));
            IReadOnlyList<int[]> ids = prompts(encoder);
            AnswerRefusal? unfit = ids.Select(prompt => Unfit(prompt, Math.Max(1, choices[0].MaxTokens), model)).FirstOrDefault(found => found is not null);
            return unfit is null ? (Join(model.Generator, adapter, ids, choices, trace, cancel), null) : (null, unfit);
        }
        catch (ChatTemplateException bad)
        {
            return (null, new AnswerRefusal(RefusalKind.BadPrompt, $"The model's chat template refuses these messages: {bad.Message}"));
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or SafetensorsException or IOException)
        {
            return (null, new AnswerRefusal(RefusalKind.ModelUnusable, $"The model '{served.Name}' cannot be loaded: {damaged.Message}"));
        }
    }

    private static AnswerRefusal? Unfit(int[] prompt, int asked, ResidentModel model)
    {
        int vocabulary = model.Base.Config.VocabularySize, capacity = model.Generator.Capacity;
        if (prompt.Length == 0) return new AnswerRefusal(RefusalKind.BadPrompt, "The prompt has no tokens; write something.");
        if (prompt.Any(id => id < 0 || id >= vocabulary))
            return new AnswerRefusal(RefusalKind.BadPrompt, $"Token {prompt.First(id => id < 0 || id >= vocabulary)} is not one of this model's: ids are 0 to {vocabulary - 1}.");
        if (capacity - prompt.Length >= asked) return null;
        return new AnswerRefusal(RefusalKind.ContextLengthExceeded,
            $"This model's context is {capacity} tokens; the prompt has {prompt.Length} and {asked} were asked for. Shorten the prompt or lower max_tokens.");
    }

    private Answer Join(
        Generator generator, ResidentAdapter? adapter, IReadOnlyList<int[]> prompts, IReadOnlyList<SamplingParameters> choices, AnswerTrace trace, CancellationToken cancel)
    {
        var pieces = Channel.CreateUnbounded<AnswerPiece>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var answer = new Answer(prompts.Sum(prompt => prompt.Length), pieces.Reader);
        adapter?.Enter();
        int open = prompts.Count * choices.Count;
        var requests = new List<GenerationRequest>();
        for (int i = 0; i < prompts.Count * choices.Count; i++)
        {
            int choice = i;
            int[] ids = prompts[i / choices.Count];
            SamplingParameters drawn = choices[i % choices.Count];
            requests.Add(new GenerationRequest
            {
                Prompt = ids,
                Adapter = adapter?.Adapter,
                Parameters = drawn.MaxTokens == 0 ? drawn with { MaxTokens = generator.Capacity - ids.Length } : drawn,
                OnStarted = choice == 0 ? trace.PrefillStarted : null,
                OnToken = (_, text) =>
                {
                    trace.TokenDrawn();
                    answer.CountToken();
                    if (text.Length > 0) pieces.Writer.TryWrite(new AnswerPiece(choice, text, null));
                },
                OnFinished = reason =>
                {
                    pieces.Writer.TryWrite(new AnswerPiece(choice, "", reason));
                    if (--open > 0) return;
                    pieces.Writer.Complete();
                    adapter?.Exit();
                    trace.Finished(answer.Usage, reason);
                    Interlocked.Decrement(ref _underWay);
                },
            });
        }
        requests.ForEach(generator.Add);
        cancel.Register(() => _ = lease.Serve("cancel", () =>
        {
            requests.ForEach(generator.Cancel);
            return true;
        }, CancellationToken.None));
        return answer;
    }

    private static AnswerRefusal NoTemplate(ServedModel served) => new(RefusalKind.NoChatTemplate,
        $"The model '{served.Name}' has no chat template. Use /v1/completions, or train an adapter on Alpaca rows, which brings its own prompt.");

    private void Left(AnswerTrace trace)
    {
        trace.Dispose();
        Interlocked.Decrement(ref _underWay);
    }
}
