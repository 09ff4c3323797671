using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>
/// Makes tasks with a model from a few that people wrote (Self-Instruct, https://arxiv.org/abs/2212.10560): it is shown some tasks and goes on with
/// the list; what is new and good joins the pool, and is answered by the model after other tasks' examples. The same seed and the same
/// answers give the same tasks.
/// </summary>
/// <param name="seeds">At least one.</param>
/// <exception cref="ArgumentException">There are no seeds, or an option cannot be used.</exception>
public sealed class SelfInstructRun(IReadOnlyList<SeedTask> seeds, SelfInstructOptions options, WriteText writer)
{
    private readonly List<string> _pool = [.. seeds.Select(seed => seed.Instruction)];
    private readonly List<SeedTask> _made = [];
    private readonly Dictionary<string, int> _dropped = [];
    private int _requests;

    /// <summary>How many instructions and answers were left out, by why: length, unsuitable, program, language, punctuation, alike, unanswered.</summary>
    public IReadOnlyDictionary<string, int> Dropped => _dropped;

    /// <summary>Texts that the model was asked for.</summary>
    public int Requests => _requests;

    /// <summary>The tasks, each as soon as it is answered, until there are as many as asked for or the requests are used up.</summary>
    /// <param name="cancel">Asked before each request, and given to the writer.</param>
    public async IAsyncEnumerable<SeedTask> Run([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel = default)
    {
        options.Require();
        if (seeds.Count == 0) throw new ArgumentException("there are no seed tasks");
        while (_made.Count < options.Count && _requests < options.MaxRequests)
        {
            WrittenText list = await Write(TaskPrompts.ForInstructions(Shown()), TaskPrompts.InstructionStops, cancel);
            foreach (string instruction in TaskPrompts.Instructions(list))
            {
                if (_made.Count >= options.Count || _requests >= options.MaxRequests) yield break;
                if (Refusal(instruction) is { } why)
                {
                    Drop(why);
                    continue;
                }
                _pool.Add(instruction); // Answered or not, it is not to come again.
                WrittenText answers = await Write(TaskPrompts.ForAnswers(Some(seeds, options.ExamplesInPrompt, stream: 2), instruction), TaskPrompts.AnswerStops, cancel);
                IReadOnlyList<TaskInstance> instances = InstanceFilter.Good(TaskPrompts.Instances(answers));
                if (instances.Count == 0)
                {
                    Drop("unanswered");
                    continue;
                }
                var task = new SeedTask(instruction, instances);
                _made.Add(task);
                yield return task;
            }
        }
    }

    private string? Refusal(string instruction) => InstructionFilter.Fault(instruction) ?? (InstructionFilter.IsAlike(instruction, _pool, options.MostAlike) ? "alike" : null);

    /// <summary>Tasks to go on from: mostly seeds, and some that were made, so that the list does not circle around the seeds.</summary>
    private List<string> Shown()
    {
        List<SeedTask> shown = [.. Some(seeds, options.SeedsInPrompt, stream: 0), .. Some(_made, options.MadeInPrompt, stream: 1)];
        int[] order = new CounterRandom(options.Seed, Stream(3)).Permutation(shown.Count);
        return [.. order.Select(i => shown[i].Instruction)];
    }

    private List<SeedTask> Some(IReadOnlyList<SeedTask> tasks, int count, uint stream) =>
        [.. new CounterRandom(options.Seed, Stream(stream)).Permutation(tasks.Count).Take(count).Select(i => tasks[i])];

    /// <summary>Each request draws anew, and none depends on what another drew.</summary>
    private ulong Stream(uint purpose) => ((ulong)_requests << 8) | purpose;

    private Task<WrittenText> Write(string prompt, IReadOnlyList<string> stops, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        ulong seed = options.Seed + (ulong)_requests++;
        return writer(new WritingRequest(prompt, stops, options.MaxTokens, options.Temperature, options.TopP, options.PresencePenalty, seed), cancel);
    }

    private void Drop(string why) => _dropped[why] = _dropped.GetValueOrDefault(why) + 1;
}
