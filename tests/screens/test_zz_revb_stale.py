import random, pytest
from tests.screens.conftest import *
from tests.screens.fakes import FakeSupervisor
from tests.unit.desk_reports import *
from textual.widget import Widget
from workers.jobs import JobId

KEYS=["j","k","j","j","space","ctrl+a","i","s","f","S","slash","escape","enter","tab","1","2","3","4","left_square_bracket","right_square_bracket","t","w","x","d","u","J","K","p","plus","minus","G","g","n","N","h","l","escape","escape","a","e","question_mark","c","y","r","R","full_stop","pagedown","pageup","m","o","l"]
@pytest.mark.parametrize("seed", range(4))
async def test_stale(seated, seed):
    rnd=random.Random(seed); sup=FakeSupervisor(); jobs=[]
    for n in range(14):
        j=sup.job(f"/rec/{'long-name-' if n%3 else ''}{n}.wav", queued(60)); jobs.append(j); 
        if n<9: sup.report(j,*streaming(n,60,lag=n*3)[1:])
        else: sup.queue.append(j)
    turn=0; log=[]
    async with seated(sup, size=rnd.choice([(120,34),(80,24),(170,40)])) as seat:
        for step in range(150):
            for _ in range(rnd.randrange(3)):
                j=rnd.choice(jobs[:9]); turn+=1
                if j in sup.over: continue
                sup.report(j, rnd.choice([lambda: heard(turn//5, "some words "*rnd.randrange(1,9)+str(turn), final=turn%5==0), lambda: progressed(turn%60,60,lag=rnd.random()*50), lambda: progressed(turn%60,60,lag=1)])())
            if rnd.random()<.03:
                j=rnd.choice(jobs[:9])
                if j not in sup.over: sup.report(j, rnd.choice([done(), failed("it broke")]))
            key=rnd.choice(KEYS); log.append(key)
            await seat.press(key)
            await seat.settled()
            for sc in seat.desk.screen_stack[-1:]:
              for wd in sc.walk_children(Widget):
                if not wd.size or not wd.display or not wd.region: continue
                try: a=[s.text for s in wd.render_lines(wd.size.region)]
                except Exception as e: raise AssertionError((log[-5:],wd)) from e
                wd._styles_cache.clear()
                if hasattr(wd,'_render_cache'): pass
                b=[s.text for s in wd.render_lines(wd.size.region)]
                if a!=b:
                    diff=[(x,y) for x,y in zip(a,b) if x!=y][:3]
                    raise AssertionError((log[-6:], wd, diff))
