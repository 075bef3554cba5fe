using OrleansInference.Engine.Repository;

namespace OrleansInference.Engine.Batching;

/// <summary>A list of waiting requests that are served as they came. The links are in the requests themselves.</summary>
/// <param name="level">The level of urgency, counted from 0.</param>
/// <param name="isDelayed">Whether its requests have timed out, and are served behind the others of their level.</param>
/// <param name="policy">The level's policy.</param>
/// <param name="bound">What the level may hold, alone or with others.</param>
internal sealed class RequestLane(int level, bool isDelayed, QueuePolicy policy, QueueBound bound)
{
    public int Level => level;

    public bool IsDelayed => isDelayed;

    public QueuePolicy Policy => policy;

    public QueueBound Bound => bound;

    public PendingRequest? First { get; private set; }

    public PendingRequest? Last { get; private set; }

    public int Rows { get; private set; }

    public void Add(PendingRequest request)
    {
        request.Lane = this;
        request.IsQueued = true;
        request.Previous = Last;
        if (Last is null) First = request;
        else Last.Next = request;
        Last = request;
        Rows += request.Rows;
        bound.Count++;
    }

    public void Remove(PendingRequest request)
    {
        if (request.Previous is null) First = request.Next;
        else request.Previous.Next = request.Next;
        if (request.Next is null) Last = request.Previous;
        else request.Next.Previous = request.Previous;
        request.Previous = request.Next = null;
        request.IsQueued = false;
        Rows -= request.Rows;
        bound.Count--;
    }
}

/// <summary>How many requests may wait, on one level or on several together, and how many do.</summary>
internal sealed class QueueBound(int limit)
{
    public int Limit => limit;

    public int Count { get; set; }

    public bool IsFull => Count >= limit;
}
