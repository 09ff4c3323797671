namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Says why tokens of a row carry loss, or not. The row's own labels say whether; why one is left out is seen by encoding the row once more
/// without the rule that might have done it.
/// </summary>
/// <param name="tokens">Encodes with another rule for the loss.</param>
/// <param name="stops">Tokens that end an answer.</param>
internal sealed class TokenReasons(Func<LossOn, RowTokens> tokens, IReadOnlyList<int> stops, LossOn lossOn)
{
    public TokenReason[] Of(DatasetRow row, TrainingRow encoded)
    {
        bool[] unweighted = [], earlier = [];
        if (row is ChatRow chat && lossOn.HasFlag(LossOn.Assistant))
        {
            ChatRow weighted = chat with { Messages = [.. chat.Messages.Select(message => message with { Weight = null })] };
            if (chat.Messages.Any(message => message.Weight == 0)) unweighted = Learnt(weighted, lossOn, encoded);
            if (chat.PromptMessages > 0) earlier = Learnt(weighted, lossOn & ~LossOn.Completion, encoded);
        }
        return [.. encoded.Labels.Select((label, i) => label != TrainingRow.Ignored ? (i == 0 ? TokenReason.First : Kind(row, label))
            : At(unweighted, i) ? TokenReason.Unweighted : At(earlier, i) ? TokenReason.EarlierAnswer : TokenReason.Prompt)];
    }

    private TokenReason Kind(DatasetRow row, int id) =>
        stops.Contains(id) ? TokenReason.End : row is TextRow || lossOn == LossOn.All ? TokenReason.Text : TokenReason.Answer;

    /// <returns>[tokens]; nothing where the row then is another.</returns>
    private bool[] Learnt(ChatRow row, LossOn by, TrainingRow encoded)
    {
        TrainingRow other = tokens(by).Encode(row, new WarningList(null));
        return other.Ids.AsSpan().StartsWith(encoded.Ids) ? [.. other.Labels.Select(label => label != TrainingRow.Ignored)] : [];
    }

    private static bool At(bool[] learnt, int place) => place < learnt.Length && learnt[place];
}
