using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>
/// A training step in shapes alone: the forward and backward of one micro batch, in which every operation lends and returns what the real one does, from the
/// run's own pool on libtorch's meta device. So the pool says what it would hold, with what lies free in it, and no memory is taken.
/// </summary>
internal sealed class ShapedStep
{
    private const int MostSteps = 6;

    private readonly ModelConfig _model;
    private readonly TrainingConfig _config;
    private readonly LoraLayout? _layout;
    private readonly ScalarType _dtype;
    private readonly long _tokens, _labels;

    private ShapedStep(ModelConfig model, TrainingConfig config, LoraLayout? layout, ScalarType dtype, long rows, long width) =>
        (_model, _config, _layout, _dtype, _tokens, _labels) = (model, config, layout, dtype, rows * width, rows * Math.Max(1, width - 1));

    /// <param name="layout">Of the adapter that trains; null: every weight does.</param>
    /// <param name="dtype">Of the activations.</param>
    /// <param name="rows">Of the micro batch: both answers of a pair.</param>
    /// <param name="width">Tokens of a row.</param>
    /// <returns>Bytes that the pool holds once the forward is done, and those that are added after it.</returns>
    public static (long Forward, long Beside) Bytes(ModelConfig model, TrainingConfig config, LoraLayout? layout, ScalarType dtype, long rows, long width)
    {
        using var scope = NewDisposeScope();
        using var pool = new BufferPool(META);
        var step = new ShapedStep(model, config, layout, dtype, rows, width);
        long forward = step.Run(pool), before = 0;
        // What lies free after one step is lent otherwise in the next, until a step finds all that it needs.
        for (int i = 0; i < MostSteps && pool.Bytes != before; i++)
        {
            before = pool.Bytes;
            step.Run(pool);
        }
        return (forward, pool.Bytes - forward);
    }

    /// <returns>Bytes that the pool holds after the forward.</returns>
    private long Run(BufferPool pool)
    {
        if (_config.Dpo is { } dpo && PreferenceLosses.NeedsReference(dpo)) Score(pool);
        var tape = new Tape();
        ShapedOperations pass = Pass(pool, tape);
        Activation hidden = Decode(pass);
        long forward = pool.Bytes;
        if (_config.Dpo is not null) Head(hidden.AlsoRead(), Pass(pool, null));
        Head(hidden, pass);
        tape.Backward();
        pool.ReturnAll();
        return forward;
    }

    /// <summary>The reference's scores of a pair: a forward without the adapter.</summary>
    private void Score(BufferPool pool)
    {
        var pass = new ShapedOperations(_model, _config, new LoraLayout { Layers = [], Length = 0 }, _dtype, pool, null);
        Head(Decode(pass), pass);
        pool.ReturnAll();
    }

    private ShapedOperations Pass(BufferPool pool, Tape? tape) => new(_model, _config, _layout, _dtype, pool, tape);

    private Activation Decode(ShapedOperations pass)
    {
        Activation? branch = null, stream = Embed(pass);
        foreach (LayerSlots layer in _model.Slots.Layers)
        {
            if (_config.GradientCheckpointing && pass.Tape is not null) (stream, branch) = Recomputed(layer, stream, branch, pass);
            else (stream, branch) = new ShapedBlock(_model, _layout, pass, _tokens).Forward(layer, stream, branch);
        }
        (stream, branch) = pass.End(stream, branch, _model.Slots.FinalNorm);
        return _model.Slots.ProjectOut is { } project ? pass.Linear(stream, project) : stream;
    }

    private Activation Embed(ShapedOperations pass)
    {
        bool trains = pass.Tape is not null && (_layout is null || _layout.Embedding is not null || _layout.Table is not null || _layout.Tokens is not null);
        Activation embedded = pass.New(trains, _tokens, _model.Slots.Embedding.Shape[1]);
        if (_model.Slots.ProjectIn is { } project) embedded = pass.Linear(embedded, project);
        if (_model.EmbeddingScale != 1) embedded = pass.Scaled(embedded);
        return _model.Slots.Positions is null ? embedded : pass.Sum(embedded, pass.New(pass.Tape is not null && _layout is null, _tokens, _model.HiddenSize));
    }

    /// <summary><see cref="Operations.Recomputed"/>.</summary>
    private (Activation, Activation?) Recomputed(LayerSlots layer, Activation stream, Activation? branch, ShapedOperations pass)
    {
        static Activation Borrowed(Activation of, bool needsGrad, BufferPool pool) => new Activation(of.Value, needsGrad, pool).AlsoRead();
        ShapedOperations forward = pass.On(null);
        (Activation after, Activation? branchAfter) = new ShapedBlock(_model, _layout, forward, _tokens)
            .Forward(layer, Borrowed(stream, false, pass.Pool), branch is null ? null : Borrowed(branch, false, pass.Pool));
        after = new Activation(after.Value, true, pass.Pool);
        branchAfter = branchAfter is null ? null : new Activation(branchAfter.Value, true, pass.Pool);
        pass.Tape!.Record(() =>
        {
            ShapedOperations again = pass.On(new Tape());
            Activation start = Borrowed(stream, stream.NeedsGrad, pass.Pool);
            Activation? branchStart = branch is null ? null : Borrowed(branch, branch.NeedsGrad, pass.Pool);
            (Activation end, Activation? branchEnd) = new ShapedBlock(_model, _layout, again, _tokens).Forward(layer, start, branchStart);
            after.HandGradient(end);
            branchAfter?.HandGradient(branchEnd!);
            end.Done();
            branchEnd?.Done();
            again.Tape!.Backward();
            start.HandGradient(stream);
            branchStart?.HandGradient(branch!);
            stream.Done();
            branch?.Done();
        });
        return (after, branchAfter);
    }

    /// <summary><see cref="HeadLoss"/>: every token that has another before it is a label.</summary>
    private void Head(Activation hidden, ShapedOperations pass)
    {
        BufferPool pool = pass.Pool;
        LinearSlot head = _model.Slots.Head;
        bool trains = pass.Tape is not null;
        Tensor losses = pool.Lend(ScalarType.Float32, _labels);
        Tensor? dHidden = hidden.NeedsGrad && trains ? pool.Lend(_dtype, hidden.Shape) : null, right = trains ? null : pool.Lend(ScalarType.Bool, _labels);
        long rows = HeadLoss.LargestChunk((int)Math.Min(_labels, int.MaxValue), head.Out);
        ShapedOperations once = pass.On(trains ? new Tape() : null);
        Activation chunk = once.New(dHidden is not null, rows, head.In), logits = once.Linear(chunk, head, checkedOut: true);
        Tensor? kept = trains && _model.LogitSoftCap != 0 ? pool.Lend(_dtype, logits.Shape) : null;
        pool.Return(kept);
        once.Tape?.Backward();
        pool.Return(logits.Value);
        pool.Return(chunk.Value);
        pool.Return(chunk.Grad);
        hidden.Done();
        if (dHidden is not null) hidden.TakeGradient(dHidden);
        pool.Return(losses);
        pool.Return(right);
    }
}
