using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Device;

/// <summary>A base in one precision, loaded once for all: its weights serve every adapter, and training runs against them.</summary>
/// <param name="PromptTemplate">What a merged model's adapter was trained with; null for a base.</param>
public sealed record ResidentModel(BaseModel Base, Generator Generator, PromptTemplate? PromptTemplate);

/// <summary>
/// What is loaded: bases by folder and precision, and adapters, of which the least recently used are let go. Everything here is
/// called on the device's thread.
/// </summary>
public sealed class ResidentModels(DeviceLease lease, IOptions<FineTuneOptions> options) : IDisposable
{
    // Longer contexts cost cache memory that most requests never use.
    private const int LongestSequence = 4096;

    private readonly Dictionary<(string Folder, BasePrecision Precision), ResidentModel> _models = [];
    private readonly Dictionary<string, LinkedListNode<ResidentAdapter>> _adapters = [];
    private readonly LinkedList<ResidentAdapter> _byUse = new();

    /// <summary>The model, loaded now if it is not yet.</summary>
    /// <exception cref="ModelException">The folder is no longer a model that can be loaded.</exception>
    public ResidentModel Model(string folder, BasePrecision precision)
    {
        if (_models.TryGetValue((folder, precision), out ResidentModel? model)) return model;
        BaseModel loaded = BaseModel.Load(folder, precision);
        var generator = new Generator(loaded, options.Value.MaxBatchRows, LongestSequence);
        lease.AddStepper(generator.Step);
        return _models[(folder, precision)] = new ResidentModel(loaded, generator, PromptTemplate.Load(folder));
    }

    /// <summary>The adapter of this id, read from its folder if it is not loaded.</summary>
    /// <exception cref="AdapterException">The folder is no longer an adapter of this base.</exception>
    public ResidentAdapter Adapter(string id, string folder, ResidentModel model)
    {
        if (_adapters.TryGetValue(id, out LinkedListNode<ResidentAdapter>? node))
        {
            _byUse.Remove(node);
            _byUse.AddFirst(node);
            return node.Value;
        }
        Telemetry.AdapterLoads.Add(1);
        ResidentAdapter adapter = Read(id, folder, model);
        _adapters[id] = _byUse.AddFirst(adapter);
        Evict();
        return adapter;
    }

    /// <summary>Reads an adapter as serving it would, and lets it go.</summary>
    /// <exception cref="AdapterException">It is no adapter of this base.</exception>
    /// <exception cref="InvalidDataException">Its prompt template is not one.</exception>
    /// <exception cref="ChatTemplateException">Its chat template cannot be read.</exception>
    public static void Check(string folder, ResidentModel model) => Read("", folder, model).Adapter.Dispose();

    /// <summary>Lets go of what a deleted adapter or merged model held. Answers under way keep it until they end.</summary>
    public void Forget(string adapterIdOrFolder)
    {
        if (_adapters.Remove(adapterIdOrFolder, out LinkedListNode<ResidentAdapter>? node)) Release(node);
        foreach ((string Folder, BasePrecision Precision) key in _models.Keys.Where(key => key.Folder == adapterIdOrFolder).ToArray())
        {
            _models.Remove(key, out ResidentModel? model);
            lease.RemoveStepper(model!.Generator.Step);
            model.Generator.Dispose();
            model.Base.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (ResidentAdapter adapter in _byUse) adapter.Adapter.Dispose();
        foreach (ResidentModel model in _models.Values)
        {
            model.Generator.Dispose();
            model.Base.Dispose();
        }
    }

    private static ResidentAdapter Read(string id, string folder, ResidentModel model)
    {
        // The templates first: what fails here has no tensors yet.
        (PromptTemplate? prompt, ChatTemplate? chat) = (PromptTemplate.Load(folder), AdapterChatTemplate.Of(folder, model.Base));
        return new ResidentAdapter(id, PeftFolder.Load(folder, model.Base), prompt, chat);
    }

    private void Evict()
    {
        for (LinkedListNode<ResidentAdapter>? node = _byUse.Last; node is not null && _adapters.Count > options.Value.MaxResidentAdapters;)
        {
            LinkedListNode<ResidentAdapter>? before = node.Previous;
            if (node.Value.Users == 0)
            {
                _adapters.Remove(node.Value.Id);
                Release(node);
            }
            node = before;
        }
    }

    private void Release(LinkedListNode<ResidentAdapter> node)
    {
        _byUse.Remove(node);
        node.Value.Leave();
    }
}

/// <summary>A loaded adapter, and how its prompts are made. It is disposed once nobody uses it and it is no longer resident.</summary>
public sealed class ResidentAdapter(string id, Adapter adapter, PromptTemplate? promptTemplate, ChatTemplate? chatTemplate)
{
    private bool _left;

    public string Id => id;
    public Adapter Adapter => adapter;
    public PromptTemplate? PromptTemplate => promptTemplate;
    public ChatTemplate? ChatTemplate => chatTemplate;

    /// <summary>Answers that go through it now.</summary>
    public int Users { get; private set; }

    public void Enter() => Users++;

    public void Exit()
    {
        Users--;
        DisposeIfUnused();
    }

    /// <summary>It is no longer resident.</summary>
    internal void Leave()
    {
        _left = true;
        DisposeIfUnused();
    }

    private void DisposeIfUnused()
    {
        if (_left && Users == 0) adapter.Dispose();
    }
}
