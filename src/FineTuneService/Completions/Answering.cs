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
    /// <param name="prompt">Makes the prompt's tokens.</param>
    /// <param name="choices">How each of the n answers is drawn; MaxTokens 0 takes what the context leaves.</param>
    /// <param name="cancel">The client has gone: its rows leave the batch.</param>
    public async Task<(Answer?, AnswerRefusal?)> Begin(
        string operation, ServedModel served, Func<PromptEncoder, int[]> prompt, IReadOnlyList<SamplingParameters> choices, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _underWay) > options.Value.MaxWaitingRequests)
        {
            Interlocked.Decrement(ref _underWay);
            return (null, new AnswerRefusal(RefusalKind.Full, "The service is full; try again in a moment."));
        }
        var trace = new AnswerTrace(operation, served.Name, choices[0].MaxTokens);
        try
        {
            (Answer? answer, AnswerRefusal? refusal) = await lease.Serve("serve", () => Admit(operation, served, prompt, choices, trace, cancel), cancel);
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
        string operation, ServedModel served, Func<PromptEncoder, int[]> prompt, IReadOnlyList<SamplingParameters> choices, AnswerTrace trace,
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
            int[] ids = prompt(encoder);
            int room = model.Generator.Capacity - ids.Length;
            int asked = Math.Max(1, choices[0].MaxTokens);
            if (ids.Length == 0) return (null, new AnswerRefusal(RefusalKind.BadMessages, "The prompt has no tokens; write something."));
            if (room < asked)
            {
                return (null, new AnswerRefusal(RefusalKind.ContextLengthExceeded,
                    $"This model's context is {model.Generator.Capacity} tokens; the prompt has {ids.Length} and {asked} were asked for. Shorten the prompt or lower max_tokens."));
            }
            return (Join(model.Generator, adapter, ids, choices, room, trace, cancel), null);
        }
        catch (ChatTemplateException bad)
        {
            return (null, new AnswerRefusal(RefusalKind.BadMessages, $"The model's chat template refuses these messages: {bad.Message}"));
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or SafetensorsException or IOException)
        {
            return (null, new AnswerRefusal(RefusalKind.ModelUnusable, $"The model '{served.Name}' cannot be loaded: {damaged.Message}"));
        }
    }

    private Answer Join(
        Generator generator, ResidentAdapter? adapter, int[] ids, IReadOnlyList<SamplingParameters> choices, int room, AnswerTrace trace, CancellationToken cancel)
    {
        var pieces = Channel.CreateUnbounded<AnswerPiece>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var answer = new Answer(ids.Length, pieces.Reader);
        adapter?.Enter();
        int open = choices.Count;
        var requests = new List<GenerationRequest>();
        for (int i = 0; i < choices.Count; i++)
        {
            int choice = i;
            requests.Add(new GenerationRequest
            {
                Prompt = ids,
                Adapter = adapter?.Adapter,
                Parameters = choices[i].MaxTokens == 0 ? choices[i] with { MaxTokens = room } : choices[i],
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
