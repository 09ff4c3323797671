namespace FineTuneService.Engine.Tokenizers.Learning;

/// <summary>A word of the training text: the tokens that spell it now, and how often it occurs.</summary>
internal sealed class LearnedWord(int[] ids, long count)
{
    public long Count { get; } = count;

    public int Length { get; private set; } = ids.Length;

    public int this[int index] => ids[index];

    /// <summary>Replaces each left, right by one id, from the left.</summary>
    public void Join(int left, int right, int id)
    {
        var length = 0;
        for (var i = 0; i < Length; i++)
        {
            var joins = i + 1 < Length && ids[i] == left && ids[i + 1] == right;
            ids[length++] = joins ? id : ids[i];
            if (joins) i++;
        }

        Length = length;
    }
}
